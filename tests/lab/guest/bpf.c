/* BPF maps, programs, links and type information. */
#include "workload.h"

#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/if_link.h>
#include <net/if.h>
#include <stdint.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#define MOV(reg, value) \
	{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = (reg), .imm = (value) }
#define COPY(reg, from) \
	{ .code = BPF_ALU64 | BPF_MOV | BPF_X, .dst_reg = (reg), .src_reg = (from) }
#define EXIT { .code = BPF_JMP | BPF_EXIT }

static int bpf(int command, union bpf_attr *attr)
{
	return syscall(SYS_bpf, command, attr, sizeof(*attr));
}

/* The kernel's own words about what a descriptor holds. */
static int info(int fd, void *into, size_t size)
{
	union bpf_attr attr = { .info = { .bpf_fd = fd, .info_len = size,
					  .info = (uintptr_t)into } };

	memset(into, 0, size);
	return bpf(BPF_OBJ_GET_INFO_BY_FD, &attr);
}

static int make_map(const char *name, int type, int key, int value, int entries)
{
	union bpf_attr attr = { .map_type = type, .key_size = key,
				.value_size = value, .max_entries = entries };
	struct bpf_map_info about;
	char label[32];
	int fd;

	strcpy(attr.map_name, name);
	fd = bpf(BPF_MAP_CREATE, &attr);
	if (fd < 0 || info(fd, &about, sizeof(about)))
		return -1;
	snprintf(label, sizeof(label), "map.%s", name);
	fact(label, "%u %u %u %u %u", about.id, about.type, about.key_size,
	     about.value_size, about.max_entries);
	return fd;
}

static int load(const char *name, int type, int attach, const struct bpf_insn *code,
		int count)
{
	union bpf_attr attr = { .prog_type = type, .insns = (uintptr_t)code,
				.insn_cnt = count, .license = (uintptr_t)"GPL",
				.expected_attach_type = attach };
	struct bpf_prog_info about;
	char label[32];
	int fd;

	strcpy(attr.prog_name, name);
	fd = bpf(BPF_PROG_LOAD, &attr);
	if (fd < 0) { /* Kernels before 4.17 do not want to know. */
		attr.expected_attach_type = 0;
		fd = bpf(BPF_PROG_LOAD, &attr);
	}
	if (fd < 0 || info(fd, &about, sizeof(about)))
		return -1;
	snprintf(label, sizeof(label), "program.%s", name);
	fact(label, "%u %u %u", about.id, about.type, about.nr_map_ids);
	return fd;
}

static void tell_link(const char *name, int fd)
{
	struct bpf_link_info about;
	char label[32];

	snprintf(label, sizeof(label), "link.%s", name);
	if (fd >= 0 && !info(fd, &about, sizeof(about)))
		fact(label, "%u %u %u", about.id, about.type, about.prog_id);
}

static void make_link(const char *name, int program, int target, int attach, int flags)
{
	union bpf_attr attr = { .link_create = { .prog_fd = program,
						 .target_fd = target,
						 .attach_type = attach,
						 .flags = flags } };

	tell_link(name, bpf(BPF_LINK_CREATE, &attr));
}

/* BTF of one type, "int". */
static void load_types(void)
{
	struct {
		uint16_t magic;
		uint8_t version, flags;
		uint32_t header, type_at, type_size, string_at, string_size;
		uint32_t name, info, size, encoding;
		char strings[8];
	} types = { 0xeb9f, 1, 0, 24, 0, 16, 16, 5, 1, 1 << 24, 4, 1 << 24 | 32,
		    "\0int" };
	union bpf_attr attr = { .btf = (uintptr_t)&types, .btf_size = 24 + 16 + 5 };
	struct bpf_btf_info about;
	int fd = bpf(BPF_BTF_LOAD, &attr);

	if (fd >= 0 && !info(fd, &about, sizeof(about)))
		fact("btf", "%u", about.id);
}

void hold_bpf(void)
{
	int array = make_map("lab_array", BPF_MAP_TYPE_ARRAY, 4, 8, 16);
	int hash = make_map("lab_hash", BPF_MAP_TYPE_HASH, 4, 8, 32);
	struct bpf_insn zero[] = { MOV(0, 0), EXIT }, one[] = { MOV(0, 1), EXIT };
	struct bpf_insn two[] = { MOV(0, XDP_PASS), EXIT };
	/* Look up key 0 of both maps. */
	struct bpf_insn lookup[] = {
		{ .code = BPF_ST | BPF_MEM | BPF_W, .dst_reg = 10, .off = -4 },
		COPY(2, 10),
		{ .code = BPF_ALU64 | BPF_ADD | BPF_K, .dst_reg = 2, .imm = -4 },
		{ .code = BPF_LD | BPF_DW | BPF_IMM, .dst_reg = 1,
		  .src_reg = BPF_PSEUDO_MAP_FD, .imm = array },
		{ 0 },
		{ .code = BPF_JMP | BPF_CALL, .imm = BPF_FUNC_map_lookup_elem },
		COPY(2, 10),
		{ .code = BPF_ALU64 | BPF_ADD | BPF_K, .dst_reg = 2, .imm = -4 },
		{ .code = BPF_LD | BPF_DW | BPF_IMM, .dst_reg = 1,
		  .src_reg = BPF_PSEUDO_MAP_FD, .imm = hash },
		{ 0 },
		{ .code = BPF_JMP | BPF_CALL, .imm = BPF_FUNC_map_lookup_elem },
		MOV(0, 0),
		EXIT,
	};
	/* None without CONFIG_CGROUPS: then nothing is attached to them. */
	int outer = open("/sys/fs/cgroup/lab", O_RDONLY | O_DIRECTORY);
	int inner = open("/sys/fs/cgroup/lab/inner", O_RDONLY | O_DIRECTORY);
	int program;

	make_map("lab_percpu", BPF_MAP_TYPE_PERCPU_ARRAY, 4, 8, 4);
	make_map("lab_lru", BPF_MAP_TYPE_LRU_HASH, 4, 8, 64);
	make_map("lab_ring", BPF_MAP_TYPE_RINGBUF, 0, 0, 4096);
	load("lab_prog", BPF_PROG_TYPE_SOCKET_FILTER, 0, zero, 2);
	load("lab_lookup", BPF_PROG_TYPE_SOCKET_FILTER, 0, lookup,
	     sizeof(lookup) / sizeof(lookup[0]));

	/* Held by the cgroup itself. */
	program = load("lab_egress", BPF_PROG_TYPE_CGROUP_SKB, BPF_CGROUP_INET_EGRESS,
		       one, 2);
	union bpf_attr attach = { .target_fd = outer, .attach_bpf_fd = program,
				  .attach_type = BPF_CGROUP_INET_EGRESS,
				  .attach_flags = BPF_F_ALLOW_MULTI };
	fact("attached.egress", "%d", bpf(BPF_PROG_ATTACH, &attach));

	program = load("lab_inner", BPF_PROG_TYPE_CGROUP_SKB, BPF_CGROUP_INET_EGRESS,
		       one, 2);
	make_link("cgroup", program, inner, BPF_CGROUP_INET_EGRESS, 0);
	program = load("lab_xdp", BPF_PROG_TYPE_XDP, BPF_XDP, two, 2);
	make_link("xdp", program, if_nametoindex("dummy0"), BPF_XDP,
		  XDP_FLAGS_SKB_MODE);

	program = load("lab_trace", BPF_PROG_TYPE_RAW_TRACEPOINT, 0, zero, 2);
	union bpf_attr raw = { .raw_tracepoint = { .prog_fd = program,
						   .name = (uintptr_t)"module_free" } };
	tell_link("tracepoint", bpf(BPF_RAW_TRACEPOINT_OPEN, &raw));
	load_types();
	ready();
	sleep_forever();
}
