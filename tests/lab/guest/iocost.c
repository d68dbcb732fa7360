/* Tasks that read a disk faster than its iocost controller lets them. */
#include "workload.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

/* They hardly ever run: 4 kB cost the disk 200 ms (see init). */
static void read_disk(const char *group)
{
	char path[64];
	char *buffer = aligned_alloc(4096, 4096);
	int file, disk = CHECK(open("/dev/vdd", O_RDONLY | O_DIRECT));

	snprintf(path, sizeof(path), "/sys/fs/cgroup%s/cgroup.procs", group);
	file = CHECK(open(path, O_WRONLY));
	CHECK(write(file, "0", 1));
	close(file);
	fact("cgroup", "%s", group);
	ready();
	for (off_t at = 0;; at = (at + 4096) % (8 << 20))
		CHECK(pread(disk, buffer, 4096, at));
}

void read_heavy(void)
{
	read_disk("/disk/heavy");
}

void read_light(void)
{
	read_disk("/disk/light");
}
