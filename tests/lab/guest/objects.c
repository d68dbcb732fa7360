/* Things of the kernel that a task can hold, and whose values it knows. */
#include "workload.h"

#include <errno.h>
#include <fcntl.h>
#include <mqueue.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/msg.h>
#include <sys/prctl.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#ifndef MADV_PAGEOUT
#define MADV_PAGEOUT 21
#endif
#define FAR 1000000 /* seconds: after the last dump */

/* IPC: queues with messages, sets of semaphores, segments in every state. */

void ipc_objects(void)
{
	struct { long type; char text[16]; } message = { 7, "first" };
	int queue = CHECK(msgget(0x2345, IPC_CREAT | 0640));
	int empty = CHECK(msgget(IPC_PRIVATE, IPC_CREAT | 0600));
	int set = CHECK(semget(0x2345, 5, IPC_CREAT | 0600));
	int locked = CHECK(shmget(0x2345, 8192, IPC_CREAT | 0644));
	int doomed = CHECK(shmget(IPC_PRIVATE, 4096, IPC_CREAT | 0600));
	unsigned short values[] = { 1, 2, 3, 4, 5 };
	struct mq_attr attr = { .mq_maxmsg = 4, .mq_msgsize = 64 };
	mqd_t posix = CHECK(mq_open("/lab", O_RDWR | O_CREAT, 0600, &attr));

	CHECK(msgsnd(queue, &message, 6, 0));
	message.type = 9;
	CHECK(msgsnd(queue, &message, 16, 0));
	CHECK(semctl(set, 0, SETALL, values));
	CHECK(shmctl(locked, SHM_LOCK, NULL));
	CHECK((char *)shmat(doomed, NULL, 0));
	CHECK(shmctl(doomed, IPC_RMID, NULL));
	CHECK(mq_send(posix, "posix", 5, 3));
	fact("queues", "%d %d", queue, empty);
	fact("set", "%d", set);
	fact("segments", "%d %d", locked, doomed);
	fact("posix", "%d", (int)posix);
	ready();
	sleep_forever();
}

/* Namespaces: a task that is PID 1 in its own world. */

static void tell_namespaces(void)
{
	static const char *const names[] = { "cgroup", "ipc", "mnt", "net", "pid_for_children",
					     "user", "uts" };
	char path[64], label[64];
	struct stat st;

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		snprintf(path, sizeof(path), "/proc/self/ns/%s", names[i]);
		snprintf(label, sizeof(label), "ns.%s", names[i]);
		if (stat(path, &st)) { /* e.g. without CONFIG_CGROUPS */
			if (errno == ENOENT)
				continue;
			fail(path);
		}
		fact(label, "%lu", (unsigned long)st.st_ino);
	}
}

void contained(void)
{
	pid_t child;

	CHECK(unshare(CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWNS | CLONE_NEWUTS |
		      CLONE_NEWIPC));
	if (unshare(CLONE_NEWCGROUP) && errno != EINVAL) /* without CONFIG_CGROUPS */
		fail("unshare");
	CHECK(sethostname("inside", 6));
	fact("segment", "%d", CHECK(shmget(0x3456, 4096, IPC_CREAT | 0600)));
	fact("netns", "%d", CHECK(open("/proc/self/ns/net", O_RDONLY)));
	child = CHECK(fork());
	if (child == 0) {
		prctl(PR_SET_NAME, "inner-init");
		sleep_forever();
	}
	tell_namespaces();
	fact("inner", "%d", child);
	ready();
	CHECK(waitpid(child, NULL, 0));
}

void user_namespace(void)
{
	int fd;

	if (unshare(CLONE_NEWUSER | CLONE_NEWUTS)) {
		if (errno == EINVAL)
			missing("CONFIG_USER_NS");
		fail("unshare");
	}
	fd = CHECK(open("/proc/self/uid_map", O_WRONLY));
	CHECK(write(fd, "0 0 1\n", 6));
	close(fd);
	tell_namespaces();
	ready();
	sleep_forever();
}

/* Many of a kind. */

void many_areas(void)
{
	char *named = CHECK((char *)mmap(NULL, 8192, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS,
					 -1, 0));

	/* Where the kernel has CONFIG_ANON_VMA_NAME. */
	prctl(PR_SET_VMA, PR_SET_VMA_ANON_NAME, named, 8192, "lab area");
	for (int i = 0; i < 600; i++)
		CHECK((char *)mmap(NULL, 4096 * (1 + i % 3),
				   i % 2 ? PROT_READ : PROT_READ | PROT_WRITE,
				   i % 5 ? MAP_PRIVATE | MAP_ANONYMOUS
					 : MAP_SHARED | MAP_ANONYMOUS, -1, 0));
	ready();
	sleep_forever();
}

static void *idle_thread(void *arg)
{
	char name[16];

	snprintf(name, sizeof(name), "worker-%ld", (long)arg);
	prctl(PR_SET_NAME, name);
	sleep_forever();
}

void many_threads(void)
{
	pthread_attr_t attr;
	pthread_t id;

	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, 65536);
	for (long i = 0; i < 40; i++)
		if (pthread_create(&id, &attr, idle_thread, (void *)i))
			fail("pthread_create");
	sleep(1);
	ready();
	sleep_forever();
}

void many_users(void)
{
	for (int i = 0; i < 20; i++) {
		char name[16];
		pid_t child = CHECK(fork());

		if (child == 0) {
			snprintf(name, sizeof(name), "user-%d", 1000 + i);
			prctl(PR_SET_NAME, name);
			CHECK(setresgid(2000 + i, 2000 + i, 2000 + i));
			CHECK(setresuid(1000 + i, 1000 + i, 1000 + i));
			sleep_forever();
		}
		snprintf(name, sizeof(name), "uid.%d", 1000 + i);
		fact(name, "%d", child);
	}
	sleep(1);
	ready();
	sleep_forever();
}

void many_files(void)
{
	char path[64];
	struct stat st;

	CHECK(mkdir("/mnt/tmpfs/many", 0755));
	for (int i = 0; i < 1500; i++) {
		snprintf(path, sizeof(path), "/mnt/tmpfs/many/file-%04d", i);
		close(CHECK(open(path, O_WRONLY | O_CREAT, 0600)));
	}
	CHECK(stat("/mnt/tmpfs/many/file-0777", &st));
	fact("inode", "%lu", (unsigned long)st.st_ino);
	CHECK(mkfifo("/mnt/tmpfs/fifo", 0600));
	CHECK(symlink("many/file-0777", "/mnt/tmpfs/symlink"));
	/* A name that is known not to be there. */
	(void)!access("/mnt/tmpfs/many/nobody", F_OK);
	ready();
	sleep_forever();
}

/* Signals that wait, in the order in which they came. */

static void handle(int signal, siginfo_t *info, void *context)
{
	(void)signal, (void)info, (void)context;
}

void pending_signals(void)
{
	struct sigaction action = { .sa_sigaction = handle,
				    .sa_flags = SA_SIGINFO | SA_RESTART | SA_NODEFER };
	union sigval value = { .sival_int = 1 };
	sigset_t set;

	CHECK(sigaction(SIGUSR2, &action, NULL));
	fact("handler", "%p", (void *)handle);
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGRTMIN);
	sigaddset(&set, SIGRTMIN + 1);
	CHECK(sigprocmask(SIG_BLOCK, &set, NULL));
	CHECK(sigqueue(getpid(), SIGRTMIN + 1, value));
	value.sival_int = 2;
	CHECK(sigqueue(getpid(), SIGRTMIN, value));
	value.sival_int = 3;
	CHECK(sigqueue(getpid(), SIGRTMIN, value));
	CHECK(kill(getpid(), SIGUSR1));
	CHECK(syscall(SYS_tgkill, getpid(), getpid(), SIGTERM));
	fact("shared", "%d %d %d %d", SIGRTMIN + 1, SIGRTMIN, SIGRTMIN, SIGUSR1);
	fact("private", "%d", SIGTERM);
	ready();
	sleep_forever();
}

/* Timers whose time is known. */

void timers(void)
{
	struct itimerspec when = { .it_value = { FAR, 123456789 } };
	struct itimerval real = { .it_value.tv_sec = FAR };
	struct sigevent event = { .sigev_notify = SIGEV_SIGNAL,
				  .sigev_signo = SIGRTMIN + 3 };
	timer_t id;

	CHECK(timer_create(CLOCK_MONOTONIC, &event, &id));
	CHECK(timer_settime(id, TIMER_ABSTIME, &when, NULL));
	CHECK(setitimer(ITIMER_REAL, &real, NULL));
	fact("posix", "%d%09ld", FAR, when.it_value.tv_nsec);
	ready();
	sleep_forever();
}

/* Memory in swap space. */

void swapped(void)
{
	size_t size = 2 << 20;
	char *memory = CHECK((char *)mmap(NULL, size, PROT_READ | PROT_WRITE,
					  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));

	fill(memory, size);
	fact("memory", "%p %zu", memory, size);
	fact("result", "%d", madvise(memory, size, MADV_PAGEOUT));
	tell_frames("frames", memory, 16);
	ready();
	sleep_forever();
}

/* A request for latency: a node of a plist. */

void latency(void)
{
	int32_t microseconds[] = { 50, 2000 };

	for (int i = 0; i < 2; i++) {
		int fd = open("/dev/cpu_dma_latency", O_RDWR);

		if (fd < 0 && errno == ENOENT)
			missing("CONFIG_CPU_IDLE");
		CHECK(fd);
		CHECK(write(fd, &microseconds[i], sizeof(microseconds[i])));
	}
	fact("microseconds", "%d %d", microseconds[0], microseconds[1]);
	ready();
	sleep_forever();
}
