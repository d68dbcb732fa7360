/*
 * Locks of the kernel that a task holds while it waits for something that never
 * comes, and tasks that wait for these locks.
 *
 * What holds them copies from, or to, a page that userfaultfd knows to be missing:
 * the fault waits for a handler, in the middle of the system call.
 */
#include "workload.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <linux/futex.h>
#include <linux/userfaultfd.h>
#include <pthread.h>
#include <stdint.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static int pipe_fds[2];
#define SHARED_FILE "/mnt/tmpfs/locked"
#define SHARED_DIRECTORY "/mnt/tmpfs/read-locked"

static char *missing_page(void)
{
	int fd = (int)syscall(SYS_userfaultfd, O_CLOEXEC);

	if (fd < 0 && errno == ENOSYS)
		missing("CONFIG_USERFAULTFD");
	CHECK(fd);
	struct uffdio_api api = { .api = UFFD_API };
	char *page = CHECK((char *)mmap(NULL, 4096, PROT_READ | PROT_WRITE,
					MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
	struct uffdio_register range = { .range = { (uintptr_t)page, 4096 },
					 .mode = UFFDIO_REGISTER_MODE_MISSING };

	CHECK(ioctl(fd, UFFDIO_API, &api));
	CHECK(ioctl(fd, UFFDIO_REGISTER, &range));
	fact("page", "%p", page);
	return page;
}

static void mutex_holder(void)
{
	char *page = missing_page();

	ready();
	CHECK(write(pipe_fds[1], page, 100));
}

static void mutex_waiter(void)
{
	char byte;

	ready();
	CHECK(read(pipe_fds[0], &byte, 1));
}

static void writer_holder(void)
{
	int fd = CHECK(open(SHARED_FILE, O_RDWR | O_CREAT, 0600));
	char *page = missing_page();
	struct stat st;

	CHECK(fstat(fd, &st));
	fact("inode", "%lu", (unsigned long)st.st_ino);
	fact("path", SHARED_FILE);
	ready();
	CHECK(write(fd, page, 100));
}

static void writer_waiter(void)
{
	int fd = CHECK(open(SHARED_FILE, O_RDWR));

	ready();
	CHECK(write(fd, "x", 1));
}

static void reader_holder(void)
{
	int fd = CHECK(open(SHARED_DIRECTORY, O_RDONLY | O_DIRECTORY));
	char *page = missing_page();
	struct stat st;

	CHECK(fstat(fd, &st));
	fact("inode", "%lu", (unsigned long)st.st_ino);
	fact("path", SHARED_DIRECTORY);
	ready();
	CHECK(syscall(SYS_getdents64, fd, page, 4096));
}

static void reader_waiter(void)
{
	ready();
	CHECK(open(SHARED_DIRECTORY "/never", O_RDWR | O_CREAT, 0600));
}

static void freezer(void)
{
	int fd = CHECK(open("/mnt/loop", O_RDONLY | O_DIRECTORY));

	CHECK(ioctl(fd, FIFREEZE, 0));
	fact("path", "/mnt/loop");
	ready();
	sleep_forever();
}

static void frozen(void)
{
	fact("path", "/mnt/loop/never");
	ready();
	CHECK(open("/mnt/loop/never", O_RDWR | O_CREAT, 0600));
}

/* Let a task get where it blocks before another one follows it. */
static void settle(void)
{
	struct timespec time = { .tv_nsec = 300000000 };

	nanosleep(&time, NULL);
}

void start_lock_chains(void)
{
	CHECK(pipe(pipe_fds));
	CHECK(mkdir(SHARED_DIRECTORY, 0700));
	start("mutex-holder", mutex_holder);
	start("write-holder", writer_holder);
	start("read-holder", reader_holder);
	start("freezer", freezer);
	settle();
	start("mutex-waiter", mutex_waiter);
	start("write-waiter", writer_waiter);
	start("read-waiter", reader_waiter);
	start("frozen", frozen);
	settle();
	start("mutex-second", mutex_waiter);
	settle();
}

/* Two threads which wait for one another, and one for a futex with priority. */

static pthread_mutex_t first = PTHREAD_MUTEX_INITIALIZER;
static pthread_mutex_t second = PTHREAD_MUTEX_INITIALIZER;
static pthread_barrier_t held;
static uint32_t inherited;

static void *one_way(void *name)
{
	prctl(PR_SET_NAME, name);
	fact(name, "%ld", (long)syscall(SYS_gettid));
	pthread_mutex_lock(&first);
	pthread_barrier_wait(&held);
	pthread_mutex_lock(&second);
	return NULL;
}

static void *other_way(void *name)
{
	prctl(PR_SET_NAME, name);
	fact(name, "%ld", (long)syscall(SYS_gettid));
	pthread_mutex_lock(&second);
	pthread_barrier_wait(&held);
	pthread_mutex_lock(&first);
	return NULL;
}

static void *inherits(void *name)
{
	prctl(PR_SET_NAME, name);
	fact(name, "%ld", (long)syscall(SYS_gettid));
	syscall(SYS_futex, &inherited, FUTEX_LOCK_PI, 0, NULL, NULL, 0);
	return NULL;
}

void futexes(void)
{
	pthread_t id;

	pthread_barrier_init(&held, NULL, 3);
	fact("mutexes", "%p %p", (void *)&first, (void *)&second);
	fact("inherited", "%p", (void *)&inherited);
	CHECK(syscall(SYS_futex, &inherited, FUTEX_LOCK_PI, 0, NULL, NULL, 0));
	pthread_create(&id, NULL, one_way, "one-way");
	pthread_create(&id, NULL, other_way, "other-way");
	pthread_create(&id, NULL, inherits, "inherits");
	pthread_barrier_wait(&held);
	settle();
	ready();
	sleep_forever();
}
