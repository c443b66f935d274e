// A child for each event.
#include <fcntl.h>
#include <poll.h>
#include <sys/wait.h>

enum { small = 1 << 16, large = 1 << 20 }; // sizes of a pipe

static void make_pipe(int fds[2], size_t len) {
	if (pipe2(fds, O_CLOEXEC))
		die("pipe");
	if (len > small)
		fcntl(fds[1], F_SETPIPE_SZ, large);
}

// start runs a program. The ends of the pipes must not be out_as: dup2 would
// leave them closed on exec. The connection to the platform is 3, so they are not.
static pid_t start(char **argv, int in, int out, int out_as) {
	pid_t pid = vfork();
	if (pid == 0) {
		if (in >= 0)
			dup2(in, 0);
		dup2(out, out_as);
		execv(argv[0], argv);
		_exit(127);
	}
	if (pid < 0)
		die("vfork");
	if (in >= 0)
		close(in);
	close(out);
	return pid;
}

// feed writes the event, and reads meanwhile: both pipes may be full.
static void feed(int in, const char *event, size_t len, int out, struct bytes *result) {
	size_t sent = 0;
	if (len > small)
		fcntl(in, F_SETFL, O_NONBLOCK);
	for (;;) {
		ssize_t n = write(in, event + sent, len - sent);
		if (n < 0 && errno != EAGAIN)
			die("write to the child");
		if (n > 0)
			sent += n;
		if (sent == len)
			break;
		struct pollfd p[2] = {{.fd = in, .events = POLLOUT}, {.fd = out, .events = POLLIN}};
		poll(p, 2, -1);
		if (p[1].revents)
			read_some(out, result);
	}
	close(in);
}

// run runs a program to its end. The event is its stdin, or nothing if null.
static void run(char **argv, const char *event, size_t len, struct bytes *result) {
	int in[2] = {-1, -1}, out[2], status;
	result->len = 0;
	if (event)
		make_pipe(in, len);
	make_pipe(out, len);
	pid_t pid = start(argv, in[0], out[1], 1);
	if (event)
		feed(in[1], event, len, out[0], result);
	while (read_some(out[0], result))
		;
	close(out[0]);
	if (waitpid(pid, &status, 0) < 0 || status)
		die("the child failed");
}
