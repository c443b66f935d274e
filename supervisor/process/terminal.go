package process

import (
	"fmt"
	"io"
	"strconv"
	"syscall"

	"golang.org/x/sys/unix"
)

// A Terminal is an Output that is a terminal for the process: most programs
// then write each line at once, while they buffer what goes into a pipe. The
// bytes arrive as they were written. Where the system has no terminals it is a
// pipe.
type Terminal struct{ io.Writer }

// CheckTerminal returns why a Terminal would be a pipe here, or nil.
func CheckTerminal() error {
	ours, theirs, err := openTerminal()
	if err == nil {
		childEnds{ours, theirs}.close()
	}
	return err
}

// openTerminal opens a pseudoterminal. ours is the master side. Neither side
// becomes a controlling terminal.
func openTerminal() (ours, theirs int, err error) {
	const flags = syscall.O_RDWR | syscall.O_NOCTTY | syscall.O_CLOEXEC
	if ours, err = syscall.Open("/dev/ptmx", flags, 0); err != nil {
		return -1, -1, fmt.Errorf("cannot open /dev/ptmx: %w", err)
	}
	theirs, err = openPeer(ours, flags)
	if err != nil {
		childEnds{ours, theirs}.close()
		return -1, -1, fmt.Errorf("cannot open a terminal: %w", err)
	}
	return ours, theirs, nil
}

func openPeer(ours, flags int) (theirs int, err error) {
	if err := unix.IoctlSetPointerInt(ours, unix.TIOCSPTLCK, 0); err != nil {
		return -1, err
	}
	number, err := unix.IoctlGetInt(ours, unix.TIOCGPTN)
	if err != nil {
		return -1, err
	}
	name := "/dev/pts/" + strconv.Itoa(number)
	if theirs, err = syscall.Open(name, flags, 0); err != nil {
		return -1, fmt.Errorf("%s: %w", name, err)
	}
	return theirs, makeRaw(theirs)
}

// makeRaw turns off echo and the translation of newlines.
func makeRaw(fd int) error {
	mode, err := unix.IoctlGetTermios(fd, unix.TCGETS)
	if err != nil {
		return err
	}
	mode.Oflag &^= unix.OPOST
	mode.Lflag &^= unix.ECHO | unix.ICANON | unix.ISIG
	return unix.IoctlSetTermios(fd, unix.TCSETS, mode)
}
