/*
 * Does in a guest what the host asks for on the second serial line, and answers with
 * a line of an errno and bytes in hexadecimal:
 *
 *   load SIZE ADDRESS LENGTH   followed by SIZE bytes of a kernel module: maps LENGTH
 *                              bytes at ADDRESS, loads it, and answers with them
 *   read PATH                  answers with the content of a file
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <termios.h>
#include <unistd.h>

static void answer(FILE *line, int error, const unsigned char *data, size_t size)
{
	fprintf(line, "%d ", error);
	for (size_t i = 0; i < size; i++)
		fprintf(line, "%02x", data[i]);
	fprintf(line, "\n");
	fflush(line);
}

static void load(FILE *in, FILE *out, size_t size, unsigned long address, size_t length)
{
	unsigned char *module = malloc(size);
	unsigned long start = address & ~4095UL;
	size_t mapped = address + length + 1 - start;
	void *buffer = mmap((void *)start, mapped, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
	int error = 0;

	if (fread(module, 1, size, in) != size || buffer == MAP_FAILED) {
		answer(out, errno, NULL, 0);
		return;
	}
	if (syscall(SYS_init_module, module, size, ""))
		error = errno;
	answer(out, error, (void *)address, length);
	munmap(buffer, mapped);
	free(module);
}

static void read_file(FILE *out, const char *path)
{
	unsigned char data[8192];
	int file = open(path, O_RDONLY);
	ssize_t size = file < 0 ? -1 : read(file, data, sizeof(data));

	answer(out, size < 0 ? errno : 0, data, size < 0 ? 0 : size);
	close(file);
}

int main(int argc, char **argv)
{
	FILE *in = fopen(argv[argc - 1], "r"), *out = fopen(argv[argc - 1], "w");
	struct termios raw;
	char line[512], path[512];
	size_t size, length;
	unsigned long address;

	tcgetattr(fileno(in), &raw);
	cfmakeraw(&raw);
	tcsetattr(fileno(in), TCSANOW, &raw);
	answer(out, 0, NULL, 0);
	while (fgets(line, sizeof(line), in)) {
		if (sscanf(line, "load %zu %lx %zu", &size, &address, &length) == 3)
			load(in, out, size, address, length);
		else if (sscanf(line, "read %511s", path) == 1)
			read_file(out, path);
		else
			answer(out, EINVAL, NULL, 0);
	}
	return 0;
}
