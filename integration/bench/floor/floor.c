// The least a runtime can do, in C: what bootstrap's own time is measured by.
//
//	floor ready               answers each event with itself
//	floor stdin PROG ARGS…    a child for each event, which is its stdin
//	floor argv PROG ARGS…     the same; the event is its last argument
//	floor worker PROG ARGS…   one resident child
//
// PROG is a path. Nothing is checked, and no time limit kept.
#include "bytes.h"
#include "http.h"
#include "child.h"
#include "frames.h"

static char **program; // and its arguments
static int arguments;

static void ready(void) { post("/runtime/init/ready", " ", 1); }
static void result(const char *body, size_t len) { post("/runtime/invocation/response", body, len); }

static void serve_ready(void) {
	static struct event e;
	for (ready();;) {
		next(&e);
		result(e.body, e.len);
	}
}

static void serve_stdin(void) {
	static struct event e;
	static struct bytes out;
	for (ready();;) {
		next(&e);
		run(program, e.body, e.len, &out);
		result(out.at, out.len);
	}
}

static void serve_argv(void) {
	static struct event e;
	static struct bytes out;
	char **argv = calloc(arguments + 2, sizeof *argv);
	memcpy(argv, program, arguments * sizeof *argv);
	for (ready();;) {
		next(&e);
		e.body[e.len] = 0; // receive leaves room for it
		argv[arguments] = e.body;
		run(argv, 0, 0, &out);
		result(out.at, out.len);
	}
}

static void serve_worker(void) {
	static struct event e;
	static struct frame answer;
	int in[2], out[2];
	char head[512];
	make_pipe(in, 0);
	make_pipe(out, 0);
	start(program, in[0], out[1], 3);
	read_line(out[0], &answer.message); // it is ready
	for (ready();;) {
		next(&e);
		int n = snprintf(head, sizeof head,
			"{\"id\":\"%s\",\"length\":%zu,\"deadline_ms\":1763700000000,\"time_limit_ms\":60000,\"platform\":\"scf\","
			"\"name\":\"f\",\"version\":\"$LATEST\",\"memory_mb\":128}\n", e.id, e.len);
		write_both(in[1], head, n, e.body, e.len);
		read_frame(out[0], &answer);
		result(answer.body, answer.len);
	}
}

int main(int argc, char **argv) {
	static const struct { const char *name; void (*serve)(void); } modes[] = {
		{"ready", serve_ready}, {"stdin", serve_stdin}, {"argv", serve_argv}, {"worker", serve_worker},
	};
	program = argv + 2;
	arguments = argc - 2;
	dial();
	for (size_t i = 0; argc > 1 && i < sizeof modes / sizeof *modes; i++)
		if (!strcmp(argv[1], modes[i].name))
			modes[i].serve();
	fputs("usage: floor ready|stdin|argv|worker PROG ARGS...\n", stderr);
	return 2;
}
