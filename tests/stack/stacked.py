"""A program with deep stacks, and how its frames are found."""

from __future__ import annotations

from drgn import StackFrame, StackTrace

SOURCE = r"""
#define _GNU_SOURCE
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <string.h>
#include <unistd.h>

struct point { int x, y; };
int global = 3;
static volatile int sink;
volatile int wait_here;
static void (*volatile nothing)(void);

__attribute__((noipa)) static void ready(void)
{
    puts("ready");
    fflush(stdout);
    for (;;)
        pause();
}

__attribute__((noipa)) static int leaf(struct point p, int n, double d)
{
    static int kept = 7;
    int local = n * 2;
    {
        int inner = local + kept;
        sink = inner;
        ready();
        sink = inner;
    }
    return local + p.y + (int)d;
}

static inline __attribute__((always_inline)) int inlined(int a)
{
    struct point p = { a + 1, a + 2 };
    int z = a * 3;
    int result = leaf(p, z, 2.5);
    return result + z;
}

__attribute__((noipa)) static int caller(int argc)
{
    return inlined(argc + global) + argc;
}

__attribute__((noipa)) static int recurse(int n)
{
    volatile int here = n;
    if (n)
        return recurse(n - 1) + here;
    ready();
    return here;
}

static void handler(int number)
{
    sink = number;
    ready();
}

__attribute__((noipa)) static long callback(void *p)
{
    ready();
    return 1;
}

static int jit(void)
{
    // push rbp; mov rbp, rsp; sub rsp, 16; call rdi; leave; ret
    static const unsigned char code[] =
        "\x55\x48\x89\xe5\x48\x83\xec\x10\xff\xd7\xc9\xc3";
    void *page = mmap(0, 4096, PROT_READ | PROT_WRITE | PROT_EXEC,
                      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    memcpy(page, code, sizeof(code));
    return ((long (*)(void *))page)((void *)callback);
}

static void *thread(void *argument)
{
    return (void *)(long)caller((long)argument);
}

int main(int argc, char **argv)
{
    const char *what = argc > 1 ? argv[1] : "";
    int number = argc > 2 ? atoi(argv[2]) : 0;
    pthread_t other;
    if (!strcmp(what, "recurse"))
        return recurse(number);
    if (!strcmp(what, "signal")) {
        signal(SIGUSR1, handler);
        raise(SIGUSR1);
    }
    if (!strcmp(what, "null"))
        nothing();
    if (!strcmp(what, "jit"))
        return jit();
    if (!strcmp(what, "thread")) {
        pthread_create(&other, 0, thread, (void *)41L);
        pthread_join(other, 0);
    }
    return caller(argc);
}
"""
FLAGS = {
    "O0": ("-g", "-O0"),
    "O2": ("-g", "-O2"),
    "O2-dwarf4": ("-g", "-O2", "-gdwarf-4"),
    "debug-frame": ("-g", "-O2", "-fno-asynchronous-unwind-tables"),
    "frame-pointers": (
        *("-O1", "-fno-omit-frame-pointer", "-fno-asynchronous-unwind-tables"),
        "-fno-unwind-tables",
    ),
    "clang": ("-g", "-O1"),
}


def frame_named(trace: StackTrace, name: str) -> StackFrame:
    (frame,) = [frame for frame in trace if frame.name == name]
    return frame


def names(trace: StackTrace) -> list[str]:
    return [frame.name for frame in trace]
