/*
 * What the lab's guest does while it is dumped.
 *
 * Each task below has a name (its comm), says what can be checked about it in
 * /facts/tasks/NAME as "key value" lines, reports that it is ready, and then
 * blocks in one known place of the kernel. The dumps are compared with those files.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/futex.h>
#include <net/if.h>
#include <netinet/in.h>
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
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#define PATTERN "pydrgn lab pattern "

static int ready_pipe[2];
static FILE *facts;

static void fail(const char *what)
{
	fprintf(stderr, "workload: %s: %s\n", what, strerror(errno));
	exit(1);
}

#define CHECK(expression)                                   \
	({                                                  \
		__typeof__(expression) _result = (expression); \
		if (_result == (__typeof__(expression))-1)   \
			fail(#expression);                  \
		_result;                                    \
	})

static void fact(const char *key, const char *format, ...)
{
	va_list args;

	fprintf(facts, "%s ", key);
	va_start(args, format);
	vfprintf(facts, format, args);
	va_end(args);
	fputc('\n', facts);
	fflush(facts);
}

static void ready(void)
{
	CHECK(write(ready_pipe[1], "r", 1));
}

/* Start one task and wait until it says that it is about to block. */
static pid_t start(const char *name, void (*body)(void))
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

static void sleep_forever(void)
{
	for (;;)
		pause();
}

static void fill(char *memory, size_t size)
{
	for (size_t at = 0; at + 32 <= size; at += 32)
		snprintf(memory + at, 32, PATTERN "%010zu", at);
}

/*
 * Running tasks, one per CPU. They wait for SIGCONT, since the guest has things to do
 * before it may be kept busy.
 */

static void pin(int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
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
	}
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

/* Sockets. */

static void sockets(void)
{
	struct sockaddr_in in = { .sin_family = AF_INET, .sin_port = htons(8080),
				  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	struct sockaddr_in6 in6 = { .sin6_family = AF_INET6, .sin6_port = htons(8081),
				    .sin6_addr = in6addr_any };
	struct sockaddr_un un = { .sun_family = AF_UNIX, .sun_path = "/run/lab.sock" };
	int pair[2];
	int listener = CHECK(socket(AF_INET, SOCK_STREAM, 0));
	int client = CHECK(socket(AF_INET, SOCK_STREAM, 0));
	int udp = CHECK(socket(AF_INET, SOCK_DGRAM, 0));
	int listener6 = CHECK(socket(AF_INET6, SOCK_STREAM, 0));
	int stream = CHECK(socket(AF_UNIX, SOCK_STREAM, 0));
	int peer = CHECK(socket(AF_UNIX, SOCK_STREAM, 0));
	int accepted;

	CHECK(bind(listener, (struct sockaddr *)&in, sizeof(in)));
	CHECK(listen(listener, 7));
	CHECK(connect(client, (struct sockaddr *)&in, sizeof(in)));
	accepted = CHECK(accept(listener, NULL, NULL));
	CHECK(write(client, "unread", 6));
	in.sin_port = htons(5353);
	CHECK(bind(udp, (struct sockaddr *)&in, sizeof(in)));
	CHECK(bind(listener6, (struct sockaddr *)&in6, sizeof(in6)));
	CHECK(listen(listener6, 3));
	CHECK(bind(stream, (struct sockaddr *)&un, sizeof(un)));
	CHECK(listen(stream, 5));
	CHECK(connect(peer, (struct sockaddr *)&un, sizeof(un)));
	CHECK(socketpair(AF_UNIX, SOCK_DGRAM, 0, pair));
	fact("listener", "%d 127.0.0.1 8080", listener);
	fact("client", "%d", client);
	fact("accepted", "%d", accepted);
	fact("udp", "%d 127.0.0.1 5353", udp);
	fact("listener6", "%d :: 8081", listener6);
	fact("unix", "%d %s", stream, un.sun_path);
	fact("unix_peer", "%d", peer);
	fact("socketpair", "%d %d", pair[0], pair[1]);
	ready();
	/* The second connection never comes: the descriptor stays reserved. */
	CHECK(accept(listener, NULL, NULL));
}

/* Namespaces: a task that is PID 1 in its own world. */

static void contained(void)
{
	pid_t child;

	CHECK(unshare(CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWNS | CLONE_NEWUTS));
	CHECK(sethostname("inside", 6));
	child = CHECK(fork());
	if (child == 0) {
		prctl(PR_SET_NAME, "inner-init");
		sleep_forever();
	}
	fact("inner", "%d", child);
	ready();
	CHECK(waitpid(child, NULL, 0));
}

/* BPF: maps and a program which returns 0. */

static int bpf(int command, union bpf_attr *attr)
{
	return syscall(SYS_bpf, command, attr, sizeof(*attr));
}

static void hold_bpf(void)
{
	struct bpf_insn code[] = {
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = 0, .imm = 0 },
		{ .code = BPF_JMP | BPF_EXIT },
	};
	union bpf_attr map = { .map_type = BPF_MAP_TYPE_ARRAY, .key_size = 4,
			       .value_size = 8, .max_entries = 16,
			       .map_name = "lab_array" };
	union bpf_attr hash = { .map_type = BPF_MAP_TYPE_HASH, .key_size = 4,
				.value_size = 8, .max_entries = 32,
				.map_name = "lab_hash" };
	union bpf_attr program = { .prog_type = BPF_PROG_TYPE_SOCKET_FILTER,
				   .insns = (uintptr_t)code, .insn_cnt = 2,
				   .license = (uintptr_t)"GPL",
				   .prog_name = "lab_prog" };

	fact("maps", "%d %d", bpf(BPF_MAP_CREATE, &map), bpf(BPF_MAP_CREATE, &hash));
	fact("program", "%d", bpf(BPF_PROG_LOAD, &program));
	ready();
	sleep_forever();
}

/* Tasks that wait for a disk which the host has stopped, one by read, one by fault. */

static void blocked_read(void)
{
	char buffer[4096];
	int fd = CHECK(open("/mnt/ext4/slow/read", O_RDONLY));

	fact("path", "/mnt/ext4/slow/read");
	ready();
	CHECK(read(fd, buffer, sizeof(buffer)));
}

static void blocked_fault(void)
{
	int fd = CHECK(open("/mnt/ext4/slow/fault", O_RDONLY));
	volatile char *file = CHECK((char *)mmap(NULL, 65536, PROT_READ, MAP_SHARED,
						 fd, 0));

	fact("path", "/mnt/ext4/slow/fault");
	fact("address", "%p", (void *)file);
	ready();
	(void)file[8192];
}

int main(int argc, char **argv)
{
	pid_t pid;

	CHECK(pipe(ready_pipe));
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
	start("hold-bpf", hold_bpf);
	start("spin-user", spin_user);
	start("spin-kernel", spin_kernel);
	puts("ready");
	fflush(stdout);
	sleep_forever();
}
