/*
 * What the lab's guest does while it is dumped.
 *
 * Each task below has a name (its comm), says what can be checked about it in
 * /facts/tasks/NAME as "key value" lines, reports that it is ready, and then
 * blocks in one known place of the kernel. The dumps are compared with those files.
 */
#define _GNU_SOURCE
#include "workload.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <unistd.h>

static int ready_pipe[2];
static FILE *facts;

void fail(const char *what)
{
	fprintf(stderr, "workload: %s: %s\n", what, strerror(errno));
	exit(1);
}

void fact(const char *key, const char *format, ...)
{
	va_list args;

	flockfile(facts); /* Threads tell facts, too. */
	fprintf(facts, "%s ", key);
	va_start(args, format);
	vfprintf(facts, format, args);
	va_end(args);
	fputc('\n', facts);
	fflush(facts);
	funlockfile(facts);
}

void ready(void)
{
	CHECK(write(ready_pipe[1], "r", 1));
}

void missing(const char *what)
{
	fact("missing", "%s", what);
	ready();
	sleep_forever();
}

/* Start one task and wait until it says that it is about to block. */
pid_t start(const char *name, void (*body)(void))
{
	char path[128], byte;
	pid_t pid = CHECK(fork());

	if (pid == 0) {
		prctl(PR_SET_NAME, name);
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		snprintf(path, sizeof(path), "/facts/tasks/%s", name);
		facts = fopen(path, "w");
		if (!facts)
			fail(path);
		fact("pid", "%d", getpid());
		body();
		exit(0);
	}
	if (read(ready_pipe[0], &byte, 1) != 1)
		fail(name);
	return pid;
}

void sleep_forever(void)
{
	for (;;)
		pause();
}

void fill(char *memory, size_t size)
{
	for (size_t at = 0; at + 32 <= size; at += 32)
		snprintf(memory + at, 32, PATTERN "%010zu", at);
}

void tell_frames(const char *key, const char *memory, int pages)
{
	int fd = CHECK(open("/proc/self/pagemap", O_RDONLY));
	uint64_t entry;

	fprintf(facts, "%s", key);
	for (int i = 0; i < pages; i++) {
		CHECK(pread(fd, &entry, 8, (((uintptr_t)memory >> 12) + i) * 8));
		fprintf(facts, " %#lx", (unsigned long)entry);
	}
	fputc('\n', facts);
	fflush(facts);
	close(fd);
}

/*
 * Running tasks, one per CPU. They wait for SIGCONT, since the guest has things to do
 * before it may be kept busy.
 */

static void pin(int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	/* Of one CPU where there is no other, e.g. without CONFIG_SMP. */
	CPU_SET(cpu < sysconf(_SC_NPROCESSORS_ONLN) ? cpu : 0, &set);
	CHECK(sched_setaffinity(0, sizeof(set), &set));
	CHECK(nice(10));
	ready();
	raise(SIGSTOP);
}

static volatile uint64_t spins;

static void spin_user(void)
{
	fact("counter", "%p", (void *)&spins);
	pin(1);
	for (;;)
		spins++;
}

static void spin_kernel(void)
{
	int fd = CHECK(open("/dev/urandom", O_RDONLY));
	size_t size = 4 << 20;
	char *buffer = malloc(size);

	pin(0);
	for (;;)
		CHECK(read(fd, buffer, size));
}

/* Sleeping tasks, each in another place. */

static void wait_pipe(void)
{
	int full[2], empty[2];
	char byte;

	CHECK(pipe(full));
	CHECK(pipe(empty));
	CHECK(write(full[1], "left in the pipe", 16));
	fact("fds", "%d %d %d %d", full[0], full[1], empty[0], empty[1]);
	ready();
	CHECK(read(empty[0], &byte, 1));
}

static void wait_epoll(void)
{
	int epoll = CHECK(epoll_create1(0));
	int event = CHECK(eventfd(0, 0));
	int timer = CHECK(timerfd_create(CLOCK_MONOTONIC, 0));
	int watch = CHECK(inotify_init());
	struct itimerspec when = { .it_value.tv_sec = 1000000 };
	struct epoll_event wanted = { .events = EPOLLIN };

	CHECK(timerfd_settime(timer, 0, &when, NULL));
	CHECK(inotify_add_watch(watch, "/etc", IN_CREATE));
	CHECK(epoll_ctl(epoll, EPOLL_CTL_ADD, event, &wanted));
	CHECK(epoll_ctl(epoll, EPOLL_CTL_ADD, timer, &wanted));
	CHECK(epoll_ctl(epoll, EPOLL_CTL_ADD, watch, &wanted));
	ready();
	CHECK(epoll_wait(epoll, &wanted, 1, -1));
}

static void wait_files(void)
{
	char *path = "/tree/a/b/c/d/deep.txt";
	int deep = CHECK(open(path, O_RDWR));
	int gone = CHECK(open("/mnt/tmpfs/unlinked", O_RDWR | O_CREAT, 0600));
	int directory = CHECK(open("/mnt/ext4", O_RDONLY | O_DIRECTORY));
	int subvolume = open("/mnt/btrfs/file", O_RDONLY);
	struct stat st;

	CHECK(unlink("/mnt/tmpfs/unlinked"));
	CHECK(write(gone, PATTERN, sizeof(PATTERN)));
	CHECK(flock(deep, LOCK_EX));
	CHECK(fstat(deep, &st));
	fact("path", "%s", path);
	fact("inode", "%lu", (unsigned long)st.st_ino);
	fact("fds", "%d %d %d %d", deep, gone, directory, subvolume);
	CHECK(chdir("/tree/a/b"));
	ready();
	sleep_forever();
}

static void wait_lock(void)
{
	int fd = CHECK(open("/tree/a/b/c/d/deep.txt", O_RDWR));

	ready();
	CHECK(flock(fd, LOCK_EX));
}

static void wait_semaphore(void)
{
	int shm = CHECK(shmget(0x1234, 65536, IPC_CREAT | 0600));
	int sem = CHECK(semget(0x1234, 1, IPC_CREAT | 0600));
	struct sembuf down = { .sem_op = -1 };
	char *memory = CHECK((char *)shmat(shm, NULL, 0));

	fill(memory, 4096);
	fact("shm", "%p", memory);
	ready();
	CHECK(semop(sem, &down, 1));
}

static void stopped(void)
{
	ready();
	raise(SIGSTOP);
	sleep_forever();
}

static void zombie(void)
{
	ready();
	exit(42);
}

static void vfork_parent(void)
{
	pid_t child;

	ready();
	child = vfork();
	if (child == 0) {
		prctl(PR_SET_NAME, "vfork-child");
		sleep_forever();
	}
}

static void traced(void)
{
	pid_t child = CHECK(fork());

	if (child == 0) {
		prctl(PR_SET_NAME, "tracee");
		CHECK(ptrace(PTRACE_TRACEME, 0, 0, 0));
		raise(SIGUSR1);
		sleep_forever();
	}
	CHECK(waitpid(child, NULL, 0));
	fact("tracee", "%d", child);
	ready();
	sleep_forever();
}

/* Memory whose contents are known. */

static void map_memory(void)
{
	size_t size = 1 << 20, huge = 2 << 20;
	int fd = CHECK(open("/mnt/ext4/pattern", O_RDWR));
	char *anonymous = CHECK((char *)mmap(NULL, size, PROT_READ | PROT_WRITE,
					     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
	char *file = CHECK((char *)mmap(NULL, size, PROT_READ, MAP_SHARED, fd, 0));
	char *hidden = CHECK((char *)mmap(NULL, 65536, PROT_READ | PROT_WRITE,
					  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
	char *big = mmap(NULL, huge, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB, -1, 0);
	char *transparent = CHECK((char *)mmap(NULL, 2 * huge, PROT_READ | PROT_WRITE,
					       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
	unsigned long sum = 0;

	fill(anonymous, size);
	fill(hidden, 65536);
	/* A PTE without access is inverted against L1TF. */
	CHECK(mprotect(hidden, 65536, PROT_NONE));
	CHECK(mlock(file, size));
	for (size_t i = 0; i < size; i++)
		sum += (unsigned char)file[i];
	transparent = (char *)(((uintptr_t)transparent + huge - 1) & ~(huge - 1));
	madvise(transparent, huge, MADV_HUGEPAGE);
	fill(transparent, huge);
	fact("pattern", "%s%%010zu", PATTERN);
	fact("anonymous", "%p %zu", anonymous, size);
	fact("file", "%p %zu %lu", file, size, sum);
	fact("hidden", "%p %d", hidden, 65536);
	fact("transparent", "%p %zu", transparent, huge);
	if (big != MAP_FAILED) {
		fill(big, huge);
		fact("huge", "%p %zu", big, huge);
		tell_frames("frames.huge", big, 4);
	}
	tell_frames("frames.anonymous", anonymous, 16);
	tell_frames("frames.file", file, 16);
	tell_frames("frames.transparent", transparent, 16);
	ready();
	sleep_forever();
}

/* Threads. */

static pthread_barrier_t barrier;

static void *thread(void *arg)
{
	char name[16];
	uint32_t word = 0;

	snprintf(name, sizeof(name), "thread-%ld", (long)arg);
	prctl(PR_SET_NAME, name);
	fact(name, "%ld", (long)syscall(SYS_gettid));
	pthread_barrier_wait(&barrier);
	switch ((long)arg) {
	case 0:
		syscall(SYS_futex, &word, FUTEX_WAIT, 0, NULL, NULL, 0);
		break;
	case 1:
		poll(NULL, 0, -1);
		break;
	default:
		sleep(1000000);
	}
	return NULL;
}

static void threads(void)
{
	pthread_t ids[3];

	pthread_barrier_init(&barrier, NULL, 4);
	for (long i = 0; i < 3; i++)
		if (pthread_create(&ids[i], NULL, thread, (void *)i))
			fail("pthread_create");
	pthread_barrier_wait(&barrier);
	ready();
	pthread_join(ids[0], NULL);
}

/*
 * Tasks that wait for a disk which the host has stopped, one by read, one by fault.
 * What waits is let through whenever the host stops the guest: they ask again.
 */

static void forget(int fd)
{
	if (posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED))
		fail("posix_fadvise");
}

static void blocked_read(void)
{
	char buffer[4096];
	int fd = CHECK(open("/mnt/ext4/slow/read", O_RDONLY));

	fact("path", "/mnt/ext4/slow/read");
	ready();
	for (;;) {
		CHECK(pread(fd, buffer, sizeof(buffer), 0));
		forget(fd);
	}
}

static void blocked_fault(void)
{
	int fd = CHECK(open("/mnt/ext4/slow/fault", O_RDONLY));
	char *file = CHECK((char *)mmap(NULL, 65536, PROT_READ, MAP_SHARED, fd, 0));

	fact("path", "/mnt/ext4/slow/fault");
	fact("address", "%p", (void *)file);
	ready();
	for (;;) {
		(void)*(volatile char *)&file[8192];
		CHECK(madvise(file, 65536, MADV_DONTNEED));
		forget(fd);
	}
}

int main(int argc, char **argv)
{
	pid_t pid;

	CHECK(pipe(ready_pipe));
	if (argc == 2 && !strcmp(argv[1], "devices")) {
		make_devices();
		return 0;
	}
	if (argc == 2 && !strcmp(argv[1], "late")) {
		start("tcp-states", tcp_states);
		puts("ready");
		fflush(stdout);
		sleep_forever();
	}
	if (argc == 2 && !strcmp(argv[1], "iocost")) {
		start("read-heavy", read_heavy);
		start("read-light", read_light);
		puts("ready");
		fflush(stdout);
		sleep_forever();
	}
	if (argc == 2 && !strcmp(argv[1], "disk")) {
		start("blocked-read", blocked_read);
		start("blocked-fault", blocked_fault);
		sleep_forever();
	}
	start("wait-pipe", wait_pipe);
	start("wait-epoll", wait_epoll);
	start("wait-files", wait_files);
	start("wait-lock", wait_lock);
	start("wait-semaphore", wait_semaphore);
	pid = start("stopped", stopped);
	CHECK(waitpid(pid, NULL, WUNTRACED));
	start("zombie", zombie);
	start("vfork-parent", vfork_parent);
	start("tracer", traced);
	start("map-memory", map_memory);
	start("threads", threads);
	start("sockets", sockets);
	start("contained", contained);
	start("user-namespace", user_namespace);
	start("hold-bpf", hold_bpf);
	start("ipc-objects", ipc_objects);
	start("many-areas", many_areas);
	start("many-threads", many_threads);
	start("many-users", many_users);
	start("many-files", many_files);
	start("pending-signals", pending_signals);
	start("timers", timers);
	start("latency", latency);
	start("futexes", futexes);
	start("swapped", swapped);
	start_lock_chains();
	start("spin-user", spin_user);
	start("spin-kernel", spin_kernel);
	puts("ready");
	fflush(stdout);
	sleep_forever();
}
