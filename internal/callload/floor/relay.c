/* The floor that a media plane is measured against: packets of N calls relayed
 * with one epoll, an absolute 5 ms tick and one socket per leg, connected to
 * whoever spoke first; recv, send, nothing else. It says on stdout where its
 * sockets are, as JSON, and ends when stdin does. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { tick_ns = 5000000, batch = 256 };

struct leg {
	int fd;
	int connected;
};

static void fail(const char *what)
{
	perror(what);
	exit(1);
}

static int open_leg(int *port)
{
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t size = sizeof at;
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0 || bind(fd, (struct sockaddr *)&at, size) < 0 || getsockname(fd, (struct sockaddr *)&at, &size) < 0)
		fail("socket");
	*port = ntohs(at.sin_port);
	return fd;
}

/* pass takes one datagram from a leg to the other one of its call. */
static void pass(struct leg *in, struct leg *out)
{
	char b[1500];
	ssize_t n;

	if (in->connected) {
		n = recv(in->fd, b, sizeof b, 0);
	} else {
		struct sockaddr_in from;
		socklen_t size = sizeof from;
		n = recvfrom(in->fd, b, sizeof b, 0, (struct sockaddr *)&from, &size);
		if (n >= 0 && connect(in->fd, (struct sockaddr *)&from, size) == 0)
			in->connected = 1;
	}
	if (n > 0 && out->connected)
		(void)!send(out->fd, b, n, 0);
}

int main(int argc, char **argv)
{
	int calls = argc > 1 ? atoi(argv[1]) : 0;
	struct sched_param rr = { .sched_priority = 1 };
	struct epoll_event ev[batch], add = { .events = EPOLLIN };
	struct timespec next;
	struct leg *legs = calls > 0 ? calloc(2 * calls, sizeof *legs) : NULL;
	int ep = epoll_create1(EPOLL_CLOEXEC);

	if (!legs || ep < 0)
		fail("relay N");
	printf("{\"ends\":[");
	for (int i = 0; i < 2 * calls; i++) {
		int port;
		legs[i].fd = open_leg(&port);
		add.data.u32 = i;
		if (epoll_ctl(ep, EPOLL_CTL_ADD, legs[i].fd, &add) < 0)
			fail("epoll");
		printf("%s\"127.0.0.1:%d\"%s", i % 2 ? "," : i ? ",[" : "[", port, i % 2 ? "]" : "");
	}
	printf("]}\n");
	fflush(stdout);
	add.data.u32 = 2 * calls; /* stdin: only its end is awaited */
	epoll_ctl(ep, EPOLL_CTL_ADD, 0, &add);
	sched_setscheduler(0, SCHED_RR, &rr); /* as the media process; it may not be allowed */

	clock_gettime(CLOCK_MONOTONIC, &next);
	for (;;) {
		int n;
		next.tv_nsec += tick_ns;
		if (next.tv_nsec >= 1000000000) {
			next.tv_nsec -= 1000000000;
			next.tv_sec++;
		}
		while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &next, NULL) == EINTR)
			;
		do {
			n = epoll_wait(ep, ev, batch, 0);
			for (int i = 0; i < n; i++) {
				unsigned at = ev[i].data.u32;
				char c;
				if (at < 2u * calls)
					pass(&legs[at], &legs[at ^ 1]);
				else if (read(0, &c, 1) <= 0)
					return 0;
			}
		} while (n == batch);
	}
}
