// The cheapest child there is: stdin to stdout, without a C library, so that
// starting it costs next to nothing and the runtime's own part shows.
#if defined __x86_64__
enum { sys_read = 0, sys_write = 1, sys_exit = 60 };

static long call(long number, long a, long b, long c) {
	long result;
	__asm__ volatile("syscall" : "=a"(result) : "a"(number), "D"(a), "S"(b), "d"(c) : "rcx", "r11", "memory");
	return result;
}
#elif defined __aarch64__
enum { sys_read = 63, sys_write = 64, sys_exit = 93 };

static long call(long number, long a, long b, long c) {
	register long x8 __asm__("x8") = number, x0 __asm__("x0") = a, x1 __asm__("x1") = b, x2 __asm__("x2") = c;
	__asm__ volatile("svc 0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2) : "memory");
	return x0;
}
#endif

static char buffer[1 << 16];

void _start(void) {
	long n;
	while ((n = call(sys_read, 0, (long)buffer, sizeof buffer)) > 0)
		for (long sent = 0, m; sent < n; sent += m)
			if ((m = call(sys_write, 1, (long)buffer + sent, n - sent)) < 0)
				call(sys_exit, 1, 0, 0);
	call(sys_exit, n != 0, 0, 0);
}
