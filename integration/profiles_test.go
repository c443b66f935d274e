package integration

import (
	"runtime"
	"syscall"

	"bootstrap/internal/seccomp"

	"golang.org/x/sys/unix"
)

// A profile describes a sandbox from the inside: the calls that it denies, and
// the facilities that it lacks. Without root the tests can only apply the
// denials.
type profile struct {
	denials []seccomp.Denial
	around  surroundings
	forgets bool // a process without its environment cannot be recognized
}

// profiles holds the sandboxes in which the runtime may run, by name. They deny a
// little more than the real ones, so that a new need of the runtime fails a test.
var profiles = map[string]profile{
	// CentOS 7.6 has Linux 3.10, which lacks newer calls.
	"old-kernel": {denials: []seccomp.Denial{
		{Lines: [][]seccomp.Check{{{Offset: seccomp.Call, How: seccomp.AtLeast, With: firstNewer[runtime.GOARCH]}}}, Answer: unix.SECCOMP_RET_ERRNO | uint32(syscall.ENOSYS)},
		seccomp.Denies(syscall.EINVAL, unix.SYS_CLONE).Where(seccomp.Bits(0, unix.CLONE_PIDFD)),
		seccomp.Denies(syscall.EINVAL, unix.SYS_WAITID).Where(seccomp.Argument(0, unix.P_PIDFD)),
	}},
	// AWS Lambda: process 1 belongs to the platform, and reaps no orphans.
	"lambda": {denials: []seccomp.Denial{
		seccomp.Denies(syscall.EPERM, unix.SYS_PRCTL).Where(seccomp.Argument(0, unix.PR_SET_CHILD_SUBREAPER, unix.PR_SET_PDEATHSIG,
			unix.PR_SET_NO_NEW_PRIVS, unix.PR_SET_DUMPABLE, unix.PR_SET_SECCOMP)),
		seccomp.Denies(syscall.EPERM, unix.SYS_SECCOMP, unix.SYS_PTRACE, unix.SYS_PROCESS_VM_READV, unix.SYS_PROCESS_VM_WRITEV,
			unix.SYS_UNSHARE, unix.SYS_SETNS, unix.SYS_MOUNT, unix.SYS_UMOUNT2, unix.SYS_CHROOT, unix.SYS_BPF,
			unix.SYS_PERF_EVENT_OPEN, unix.SYS_IO_URING_SETUP, unix.SYS_USERFAULTFD, unix.SYS_KEYCTL, unix.SYS_ADD_KEY,
			unix.SYS_FALLOCATE, unix.SYS_SETUID, unix.SYS_SETGID, unix.SYS_SETREUID, unix.SYS_SETREGID,
			unix.SYS_SETRESUID, unix.SYS_SETRESGID, unix.SYS_SETFSUID, unix.SYS_SETFSGID),
	}, around: surroundings{user: 993, home: "/home/sbx_user1051", most: 1024, readOnly: true, writable: true, staticDev: true, deafInit: true}},
	// gVisor, where the runtime is not process 1.
	"gvisor": {denials: []seccomp.Denial{
		seccomp.Denies(syscall.EINVAL, unix.SYS_PRCTL).Where(seccomp.Argument(0, unix.PR_SET_CHILD_SUBREAPER, unix.PR_GET_CHILD_SUBREAPER)),
		seccomp.Denies(syscall.ENOSYS, unix.SYS_PIDFD_OPEN, unix.SYS_PIDFD_SEND_SIGNAL, unix.SYS_IO_URING_SETUP, unix.SYS_IO_URING_ENTER,
			unix.SYS_IO_URING_REGISTER, unix.SYS_CLONE3, unix.SYS_OPENAT2, unix.SYS_FACCESSAT2, unix.SYS_USERFAULTFD, unix.SYS_MEMBARRIER),
		seccomp.Denies(syscall.EPERM, unix.SYS_PRLIMIT64).Where(seccomp.Argument(1, signalLimits...), seccomp.Given(2)),
		seccomp.Denies(syscall.EPERM, unix.SYS_SETRLIMIT).Where(seccomp.Argument(0, signalLimits...)),
	}, around: surroundings{noCores: true}},
	// An image for another processor: on a laptop qemu runs it.
	"qemu-user": {denials: []seccomp.Denial{
		seccomp.Denies(syscall.EINVAL, unix.SYS_PRCTL).Where(seccomp.Argument(0, unix.PR_SET_CHILD_SUBREAPER, unix.PR_GET_CHILD_SUBREAPER,
			unix.PR_GET_SECCOMP, unix.PR_SET_SECCOMP)),
		seccomp.Denies(syscall.ENOSYS, unix.SYS_PTRACE, unix.SYS_SECCOMP, unix.SYS_IO_URING_SETUP, unix.SYS_BPF, unix.SYS_CLONE3),
	}},
	// Kubernetes' restricted policy, and a volume at the temp folder.
	"k8s-restricted": {denials: restricted, around: surroundings{user: 56849, home: "/", readOnly: true, writable: true}},
	// The same policy without that volume.
	"k8s-read-only": {denials: restricted, around: surroundings{user: 56849, home: "/", readOnly: true}},
	// Nothing lists the processes.
	"no-proc": {denials: []seccomp.Denial{}, around: surroundings{noProc: true}},
	// Everything that the runtime can do without.
	"strict": {denials: []seccomp.Denial{
		seccomp.Denies(syscall.EPERM, unix.SYS_PRCTL, unix.SYS_PRLIMIT64, unix.SYS_SETRLIMIT, unix.SYS_PIDFD_OPEN,
			unix.SYS_PIDFD_SEND_SIGNAL, unix.SYS_PIDFD_GETFD, unix.SYS_MEMFD_CREATE, unix.SYS_SCHED_SETAFFINITY,
			unix.SYS_SETPRIORITY, unix.SYS_MEMBARRIER),
		seccomp.Denies(syscall.EMFILE, unix.SYS_INOTIFY_INIT1),
	}, forgets: true},
	// A call that the runtime must never make kills it, even where it would be
	// allowed.
	"killer": {denials: []seccomp.Denial{
		seccomp.Kills(unix.SYS_PTRACE, unix.SYS_UNSHARE, unix.SYS_MOUNT, unix.SYS_CHROOT, unix.SYS_BPF, unix.SYS_KEYCTL),
		seccomp.Denies(syscall.EPERM, unix.SYS_PRCTL).Where(seccomp.Argument(0, unix.PR_SET_PDEATHSIG)),
	}},
}

var restricted = []seccomp.Denial{
	seccomp.Denies(syscall.EPERM, unix.SYS_UNSHARE, unix.SYS_SETNS, unix.SYS_MOUNT, unix.SYS_CHROOT, unix.SYS_PTRACE, unix.SYS_BPF,
		unix.SYS_PERF_EVENT_OPEN, unix.SYS_USERFAULTFD, unix.SYS_KEYCTL, unix.SYS_IO_URING_SETUP),
	seccomp.Denies(syscall.ENOSYS, unix.SYS_CLONE3),
}

// signalLimits lists the limits that no process can set in gVisor: file locks, pending
// signals, message queues, and real time.
var signalLimits = []uint32{10, unix.RLIMIT_SIGPENDING, unix.RLIMIT_MSGQUEUE, unix.RLIMIT_RTTIME}

// firstNewer is the number of the first system call that Linux 3.10 lacks.
var firstNewer = map[string]uint32{"amd64": 314, "arm64": 274}
