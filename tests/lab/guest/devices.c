/* Block devices on other block devices: dm and md. */
#include "workload.h"

#include <fcntl.h>
#include <linux/dm-ioctl.h>
#include <linux/major.h>
#include <linux/netlink.h>
#include <linux/pkt_sched.h>
#include <linux/raid/md_p.h>
#include <linux/raid/md_u.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <stdint.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

struct dm_request {
	struct dm_ioctl head;
	struct dm_target_spec target;
	char parameters[64];
};

static int control;

static void ask(unsigned long command, struct dm_request *request, int flags)
{
	request->head.version[0] = DM_VERSION_MAJOR;
	request->head.data_size = sizeof(*request);
	request->head.data_start = offsetof(struct dm_request, target);
	request->head.flags = flags;
	CHECK(ioctl(control, command, request));
}

/* "lab-linear": 2048 sectors of /dev/loop1 from its 64th. */
static void make_mapped(void)
{
	struct dm_request request = { 0 };

	control = CHECK(open("/dev/mapper/control", O_RDWR));
	strcpy(request.head.name, "lab-linear");
	strcpy(request.head.uuid, "LAB-1");
	ask(DM_DEV_CREATE, &request, 0);
	printf("dm %u:%u lab-linear\n", major(request.head.dev),
	       minor(request.head.dev));
	memset(&request, 0, sizeof(request));
	strcpy(request.head.name, "lab-linear");
	request.head.target_count = 1;
	request.target.length = 2048;
	strcpy(request.target.target_type, "linear");
	strcpy(request.parameters, "/dev/loop1 64");
	ask(DM_TABLE_LOAD, &request, 0);
	memset(&request, 0, sizeof(request));
	strcpy(request.head.name, "lab-linear");
	ask(DM_DEV_SUSPEND, &request, 0); /* without DM_SUSPEND_FLAG: resume */
}

static void make_mirror(void)
{
	mdu_array_info_t array = { .major_version = 0, .minor_version = 90,
				   .level = 1, .raid_disks = 2, .nr_disks = 2,
				   .size = 1024, .not_persistent = 1,
				   .state = 1 << MD_SB_CLEAN, .active_disks = 2,
				   .working_disks = 2, .md_minor = 0 };
	int fd;

	(void)!mknod("/dev/md0", S_IFBLK | 0600, makedev(MD_MAJOR, 0));
	fd = CHECK(open("/dev/md0", O_RDWR));
	CHECK(ioctl(fd, SET_ARRAY_INFO, &array));
	for (int i = 0; i < 2; i++) {
		mdu_disk_info_t disk = { .number = i, .raid_disk = i,
					 .major = LOOP_MAJOR, .minor = 2 + i,
					 .state = 1 << MD_DISK_ACTIVE |
						  1 << MD_DISK_SYNC };

		CHECK(ioctl(fd, ADD_NEW_DISK, &disk));
	}
	CHECK(ioctl(fd, RUN_ARRAY, NULL));
	printf("md %u:0 md0\n", MD_MAJOR);
}

/* A queueing discipline: busybox's tc only shows them. */
static void add_discipline(int socket, const char *device, uint32_t parent,
			   uint32_t handle, const char *kind, const void *options,
			   size_t size)
{
	struct {
		struct nlmsghdr head;
		struct tcmsg tc;
		char attributes[128];
	} request = { .head = { .nlmsg_type = RTM_NEWQDISC,
				.nlmsg_flags = NLM_F_REQUEST | NLM_F_CREATE |
					       NLM_F_REPLACE | NLM_F_ACK },
		      .tc = { .tcm_ifindex = if_nametoindex(device),
			      .tcm_parent = parent, .tcm_handle = handle } };
	struct rtattr *attribute = (struct rtattr *)request.attributes;
	struct {
		struct nlmsghdr head;
		struct nlmsgerr error;
	} answer;

	attribute->rta_type = TCA_KIND;
	attribute->rta_len = RTA_LENGTH(strlen(kind) + 1);
	strcpy(RTA_DATA(attribute), kind);
	attribute = (struct rtattr *)((char *)attribute +
				      RTA_ALIGN(attribute->rta_len));
	attribute->rta_type = TCA_OPTIONS;
	attribute->rta_len = RTA_LENGTH(size);
	memcpy(RTA_DATA(attribute), options, size);
	request.head.nlmsg_len = (char *)attribute + RTA_ALIGN(attribute->rta_len) -
				 (char *)&request;
	CHECK(send(socket, &request, request.head.nlmsg_len, 0));
	CHECK(recv(socket, &answer, sizeof(answer), 0));
	printf("qdisc %s %s %x: %x %d\n", kind, device, handle >> 16, parent,
	       answer.error.error);
}

static void make_disciplines(void)
{
	int fd = CHECK(socket(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE));
	struct tc_prio_qopt prio = { 3, { 1, 2, 2, 2, 1, 2, 0, 0, 1, 1, 1, 1, 1, 1,
					  1, 1 } };
	struct tc_fifo_qopt fifo = { 7 };

	add_discipline(fd, "lab0", TC_H_ROOT, 1 << 16, "prio", &prio, sizeof(prio));
	add_discipline(fd, "lab0", 1 << 16 | 1, 0x10 << 16, "pfifo", &fifo,
		       sizeof(fifo));
}

void make_devices(void)
{
	make_disciplines();
	make_mapped();
	make_mirror();
}
