// Bytes that grow, and the reading and writing of all of them.
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

struct bytes {
	char *at;
	size_t len, room;
};

static void die(const char *what) {
	perror(what);
	_exit(1);
}

static void reserve(struct bytes *b, size_t room) {
	if (room <= b->room)
		return;
	b->room = room;
	if (!(b->at = realloc(b->at, room)))
		die("realloc");
}

// read_some reads once, into all the room there is. 0: the end.
static size_t read_some(int fd, struct bytes *b) {
	if (b->len == b->room)
		reserve(b, b->room ? 2 * b->room : 1 << 16);
	ssize_t n = read(fd, b->at + b->len, b->room - b->len);
	if (n < 0)
		die("read");
	b->len += n;
	return n;
}

// read_until reads until there are len bytes.
static void read_until(int fd, struct bytes *b, size_t len) {
	reserve(b, len + 1);
	while (b->len < len)
		if (!read_some(fd, b))
			exit(0);
}

// write_both writes a head and a body in one call, if it takes them.
static void write_both(int fd, const char *head, size_t head_len, const char *body, size_t body_len) {
	struct iovec v[2] = {{(char *)head, head_len}, {(char *)body, body_len}};
	while (v[0].iov_len + v[1].iov_len) {
		ssize_t n = writev(fd, v, 2);
		if (n < 0)
			die("write");
		for (int i = 0; i < 2; i++) {
			size_t part = (size_t)n < v[i].iov_len ? (size_t)n : v[i].iov_len;
			v[i].iov_base = (char *)v[i].iov_base + part;
			v[i].iov_len -= part;
			n -= part;
		}
	}
}
