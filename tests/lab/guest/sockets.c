/* Sockets of many families, and TCP in many states. */
#include "workload.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_ether.h>
#include <linux/netlink.h>
#include <netinet/in.h>
#include <netinet/ip.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

/* A descriptor on its way from one socket to another. */
static void send_descriptor(int socket, int fd)
{
	char byte = 'd';
	struct iovec data = { &byte, 1 };
	union {
		struct cmsghdr head;
		char space[CMSG_SPACE(sizeof(int))];
	} control;
	struct msghdr message = { .msg_iov = &data, .msg_iovlen = 1,
				  .msg_control = &control,
				  .msg_controllen = sizeof(control) };

	control.head.cmsg_level = SOL_SOCKET;
	control.head.cmsg_type = SCM_RIGHTS;
	control.head.cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(&control.head), &fd, sizeof(fd));
	CHECK(sendmsg(socket, &message, 0));
}

void sockets(void)
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
	send_descriptor(pair[0], udp);
	fact("listener", "%d 127.0.0.1 8080", listener);
	fact("client", "%d", client);
	fact("accepted", "%d", accepted);
	fact("udp", "%d 127.0.0.1 5353", udp);
	fact("listener6", "%d :: 8081", listener6);
	fact("unix", "%d %s", stream, un.sun_path);
	fact("unix_peer", "%d", peer);
	fact("socketpair", "%d %d", pair[0], pair[1]);
	fact("raw", "%d", CHECK(socket(AF_INET, SOCK_RAW, IPPROTO_ICMP)));
	fact("netlink", "%d", CHECK(socket(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE)));
	fact("packet", "%d", CHECK(socket(AF_PACKET, SOCK_RAW, htons(ETH_P_ARP))));
	ready();
	/* The second connection never comes: the descriptor stays reserved. */
	CHECK(accept(listener, NULL, NULL));
}

static struct sockaddr_storage address(int family, int port, socklen_t *size)
{
	struct sockaddr_storage storage = { .ss_family = family };

	if (family == AF_INET) {
		struct sockaddr_in *in = (struct sockaddr_in *)&storage;

		in->sin_port = htons(port);
		in->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
		*size = sizeof(*in);
	} else {
		struct sockaddr_in6 *in = (struct sockaddr_in6 *)&storage;

		in->sin6_port = htons(port);
		in->sin6_addr = in6addr_loopback;
		*size = sizeof(*in);
	}
	return storage;
}

static void connection(int listener, int family, int port, int *client, int *server)
{
	socklen_t size;
	struct sockaddr_storage to = address(family, port, &size);

	*client = CHECK(socket(family, SOCK_STREAM, 0));
	CHECK(connect(*client, (struct sockaddr *)&to, size));
	*server = CHECK(accept(listener, NULL, NULL));
}

/* A SYN from 192.0.2.7, to whom the answer never comes. */
static void half_open(int port)
{
	struct {
		struct iphdr ip;
		struct tcphdr tcp;
	} packet = { 0 };
	struct sockaddr_in to = { .sin_family = AF_INET };
	struct { uint32_t from, to; uint8_t zero, protocol; uint16_t size; } pseudo;
	uint32_t sum = 0;
	uint16_t words[16] = { 0 };
	int fd = CHECK(socket(AF_INET, SOCK_RAW, IPPROTO_RAW));

	inet_pton(AF_INET, "192.0.2.1", &to.sin_addr);
	packet.ip.version = 4;
	packet.ip.ihl = 5;
	packet.ip.tot_len = htons(sizeof(packet));
	packet.ip.ttl = 64;
	packet.ip.protocol = IPPROTO_TCP;
	packet.ip.daddr = to.sin_addr.s_addr;
	inet_pton(AF_INET, "192.0.2.7", &packet.ip.saddr);
	packet.tcp.source = htons(7777);
	packet.tcp.dest = htons(port);
	packet.tcp.seq = htonl(1);
	packet.tcp.doff = 5;
	packet.tcp.syn = 1;
	packet.tcp.window = htons(1000);
	pseudo.from = packet.ip.saddr;
	pseudo.to = packet.ip.daddr;
	pseudo.zero = 0;
	pseudo.protocol = IPPROTO_TCP;
	pseudo.size = htons(sizeof(packet.tcp));
	memcpy(words, &pseudo, 12);
	memcpy(words + 6, &packet.tcp, 20);
	for (int i = 0; i < 16; i++)
		sum += words[i];
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	packet.tcp.check = ~sum;
	CHECK(sendto(fd, &packet, sizeof(packet), 0, (struct sockaddr *)&to,
		     sizeof(to)));
	close(fd);
}

/* Started late: some of these states end after a minute. */
void tcp_states(void)
{
	int any, client, server;
	struct sockaddr_in away = { .sin_family = AF_INET, .sin_port = htons(9) };
	int group = open("/sys/fs/cgroup/lab/inner/cgroup.procs", O_WRONLY);

	if (group >= 0) { /* CONFIG_CGROUPS */
		CHECK(write(group, "0", 1)); /* the sockets belong to it too */
		fact("cgroup", "/lab/inner");
	}
	for (int i = 0; i < 2; i++) {
		int family = i ? AF_INET6 : AF_INET, port = 8090 + i, on = 1;
		socklen_t size;
		struct sockaddr_storage here = address(family, port, &size);
		int listener = CHECK(socket(family, SOCK_STREAM, 0));

		CHECK(setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)));
		CHECK(bind(listener, (struct sockaddr *)&here, size));
		CHECK(listen(listener, 7));
		connection(listener, family, port, &client, &server); /* ESTABLISHED */
		fact(i ? "established6" : "established", "%d %d", client, server);
		connection(listener, family, port, &client, &server);
		CHECK(shutdown(client, SHUT_WR)); /* FIN_WAIT2, and CLOSE_WAIT */
		fact(i ? "half6" : "half", "%d %d", client, server);
		connection(listener, family, port, &client, &server);
		close(client); /* TIME_WAIT */
		close(server);
	}
	any = CHECK(socket(AF_INET, SOCK_STREAM, 0));
	away.sin_addr.s_addr = htonl(INADDR_ANY);
	CHECK(bind(any, (struct sockaddr *)&away, sizeof(away)));
	away.sin_port = htons(8099);
	any = CHECK(socket(AF_INET, SOCK_STREAM, 0));
	CHECK(bind(any, (struct sockaddr *)&away, sizeof(away)));
	CHECK(listen(any, 1));
	half_open(8099); /* SYN_RECV */

	inet_pton(AF_INET, "192.0.2.7", &away.sin_addr);
	away.sin_port = htons(9);
	client = CHECK(socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0));
	if (!connect(client, (struct sockaddr *)&away, sizeof(away)) ||
	    errno != EINPROGRESS)
		fail("connect"); /* SYN_SENT */
	fact("sent", "%d", client);
	ready();
	sleep_forever();
}
