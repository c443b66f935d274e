// The frames between a runtime and a resident worker: a line of JSON, which
// states the length, then that many bytes.

struct frame {
	struct bytes message;
	char *body; // in message
	size_t len;
};

// read_line reads what there is up to a newline, and returns the next byte.
// There is never more than one frame under way.
static size_t read_line(int fd, struct bytes *b) {
	char *end;
	b->len = 0;
	do
		if (!read_some(fd, b))
			exit(0);
	while (!(end = memchr(b->at, '\n', b->len)));
	*end = 0;
	return end + 1 - b->at;
}

static void read_frame(int fd, struct frame *f) {
	size_t head = read_line(fd, &f->message);
	char *length = strstr(f->message.at, "\"length\":");
	f->len = length ? strtoul(length + 9, 0, 10) : 0;
	read_until(fd, &f->message, head + f->len);
	f->body = f->message.at + head;
}
