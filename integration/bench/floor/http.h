// The platform's calls, on one blocking keep-alive connection.
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <strings.h>
#include <sys/socket.h>

static int api;

struct event {
	struct bytes message; // the whole response
	char *body;           // in message
	size_t len;
	char id[64];
};

static void dial(void) {
	struct sockaddr_in a = {.sin_family = AF_INET};
	const char *host = getenv("SCF_RUNTIME_API"), *port = getenv("SCF_RUNTIME_API_PORT");
	if (!host || !port || inet_pton(AF_INET, host, &a.sin_addr) != 1)
		die("no runtime API");
	a.sin_port = htons(atoi(port));
	int yes = 1;
	api = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	setsockopt(api, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
	if (connect(api, (struct sockaddr *)&a, sizeof a))
		die("connect");
}

// receive reads one response. Only a Content-Length is understood.
static void receive(struct event *e) {
	char *end;
	reserve(&e->message, 1 << 16);
	e->message.len = 0;
	do {
		if (!read_some(api, &e->message))
			exit(0);
	} while (!(end = memmem(e->message.at, e->message.len, "\r\n\r\n", 4)));
	size_t head = end + 4 - e->message.at;
	*end = 0;
	char *length = strcasestr(e->message.at, "\r\ncontent-length:");
	char *id = strcasestr(e->message.at, "\r\nrequest_id:");
	if (id)
		sscanf(id + 13, " %63[^\r]", e->id);
	e->len = length ? strtoul(length + 17, 0, 10) : 0;
	read_until(api, &e->message, head + e->len);
	e->body = e->message.at + head;
}

static void post(const char *path, const char *body, size_t len) {
	static struct event answer;
	char head[256];
	int n = snprintf(head, sizeof head, "POST %s HTTP/1.1\r\nHost: scf\r\nContent-Length: %zu\r\n\r\n", path, len);
	write_both(api, head, n, body, len);
	receive(&answer);
}

static void next(struct event *e) {
	static const char get[] = "GET /runtime/invocation/next HTTP/1.1\r\nHost: scf\r\n\r\n";
	write_both(api, get, sizeof get - 1, "", 0);
	receive(e);
}
