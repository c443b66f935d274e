package integration

import "golang.org/x/sys/unix"

// ownCalls are all system calls that the runtime itself makes, and its forks
// until they are its commands. TestSweepKnowsAll fails when one is missing.
var ownCalls = map[string]ownCall{
	"chdir":             {number: unix.SYS_CHDIR},
	"clone":             {number: unix.SYS_CLONE},
	"close":             {number: unix.SYS_CLOSE},
	"connect":           {number: unix.SYS_CONNECT},
	"dup3":              {number: unix.SYS_DUP3},
	"epoll_create1":     {number: unix.SYS_EPOLL_CREATE1},
	"epoll_ctl":         {number: unix.SYS_EPOLL_CTL},
	"epoll_pwait":       {number: unix.SYS_EPOLL_PWAIT},
	"eventfd2":          {number: unix.SYS_EVENTFD2},
	"execve":            {number: unix.SYS_EXECVE},
	"exit_group":        {number: unix.SYS_EXIT_GROUP},
	"faccessat":         {number: unix.SYS_FACCESSAT},
	"fcntl":             {number: unix.SYS_FCNTL},
	"fcntl duplicate":   {unix.SYS_FCNTL, 1, unix.F_DUPFD_CLOEXEC},
	"fcntl flags":       {unix.SYS_FCNTL, 1, unix.F_SETFL},
	"fcntl pipe size":   {unix.SYS_FCNTL, 1, unix.F_SETPIPE_SZ},
	"fcntl own pipe":    {unix.SYS_FCNTL, 1, unix.F_GETPIPE_SZ},
	"flock":             {number: unix.SYS_FLOCK},
	"fstat":             {number: unix.SYS_FSTAT},
	"ftruncate":         {number: unix.SYS_FTRUNCATE},
	"futex":             {number: unix.SYS_FUTEX},
	"getdents64":        {number: unix.SYS_GETDENTS64},
	"geteuid":           {number: unix.SYS_GETEUID},
	"getpgid":           {number: unix.SYS_GETPGID},
	"getppid":           {number: unix.SYS_GETPPID},
	"gettid":            {number: unix.SYS_GETTID},
	"ioctl":             {number: unix.SYS_IOCTL},
	"kill":              {number: unix.SYS_KILL},
	"lseek":             {number: unix.SYS_LSEEK},
	"madvise":           {number: unix.SYS_MADVISE},
	"memfd_create":      {number: unix.SYS_MEMFD_CREATE},
	"mkdirat":           {number: unix.SYS_MKDIRAT},
	"mmap":              {number: unix.SYS_MMAP},
	"munmap":            {number: unix.SYS_MUNMAP},
	"nanosleep":         {number: unix.SYS_NANOSLEEP},
	"newfstatat":        {number: unix.SYS_NEWFSTATAT},
	"openat":            {number: unix.SYS_OPENAT},
	"pipe2":             {number: unix.SYS_PIPE2},
	"ppoll":             {number: unix.SYS_PPOLL},
	"prctl":             {number: unix.SYS_PRCTL},
	"pread64":           {number: unix.SYS_PREAD64},
	"prlimit64":         {number: unix.SYS_PRLIMIT64},
	"pwrite64":          {number: unix.SYS_PWRITE64},
	"read":              {number: unix.SYS_READ},
	"readlinkat":        {number: unix.SYS_READLINKAT},
	"recvfrom":          {number: unix.SYS_RECVFROM},
	"restart_syscall":   {number: unix.SYS_RESTART_SYSCALL},
	"rt_sigaction":      {number: unix.SYS_RT_SIGACTION},
	"rt_sigprocmask":    {number: unix.SYS_RT_SIGPROCMASK},
	"rt_sigreturn":      {number: unix.SYS_RT_SIGRETURN},
	"sched_getaffinity": {number: unix.SYS_SCHED_GETAFFINITY},
	"sched_yield":       {number: unix.SYS_SCHED_YIELD},
	"setpgid":           {number: unix.SYS_SETPGID},
	"setsid":            {number: unix.SYS_SETSID},
	"setsockopt":        {number: unix.SYS_SETSOCKOPT},
	"shutdown":          {number: unix.SYS_SHUTDOWN},
	"sigaltstack":       {number: unix.SYS_SIGALTSTACK},
	"socket":            {number: unix.SYS_SOCKET},
	"statfs":            {number: unix.SYS_STATFS},
	"tgkill":            {number: unix.SYS_TGKILL},
	"uname":             {number: unix.SYS_UNAME},
	"unlinkat":          {number: unix.SYS_UNLINKAT},
	"wait4":             {number: unix.SYS_WAIT4},
	"waitid":            {number: unix.SYS_WAITID},
	"write":             {number: unix.SYS_WRITE},
}

// neverDenied lists getpid, which cannot fail, so that a program that gets an error
// from it cannot report that.
var neverDenied = []ownCall{{number: unix.SYS_GETPID}}

// worst has, for calls without which the runtime cannot do all its work, the
// worst ending that is acceptable.
var worst = map[string]string{
	// The Go runtime, and calls that every program needs.
	"arch_prctl": dies, "clone": dies, "close": dies, "epoll_create1": dies, "epoll_ctl": dies, "epoll_pwait": dies,
	"eventfd2": dies, "exit_group": dies, "fcntl": dies, "futex": dies, "mmap": dies, "read": dies, "rt_sigaction": dies,
	"rt_sigprocmask": dies, "rt_sigreturn": dies, "sigaltstack": dies, "write": dies,
	// Without these calls the runtime cannot talk to the platform, or start a
	// program.
	"chdir": stops, "connect": stops, "shutdown": stops, "socket": stops, "wait4": stops, "dup3": stops, "execve": stops, "fstat": stops, "openat": stops, "newfstatat": stops, "pipe2": stops,
	// An option or the event needs these calls.
	"ftruncate": refuses, "lseek": refuses, "mkdirat": stops, "pwrite64": refuses,
}
