package process

import (
	"fmt"
	"io"
	"strconv"
	"syscall"

	"golang.org/x/sys/unix"
)

// A Terminal is an Output that a process takes for a terminal: most programs
// then write each line at once, and hold back what goes into a pipe. The bytes
// arrive as they were written. It is a pipe where the system has no terminal.
type Terminal struct{ io.Writer }

// CheckTerminal returns why a Terminal is a pipe here; nil: it is a terminal.
func CheckTerminal() error {
	ours, theirs, err := openTerminal()
	if err == nil {
		childEnds{ours, theirs}.close()
	}
	return err
}

// openTerminal makes a pseudoterminal: ours is the side that a person would
// look at. Neither side becomes anybody's controlling terminal.
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

// raw: no newline becomes two characters, and nothing is echoed.
func makeRaw(fd int) error {
	mode, err := unix.IoctlGetTermios(fd, unix.TCGETS)
	if err != nil {
		return err
	}
	mode.Oflag &^= unix.OPOST
	mode.Lflag &^= unix.ECHO | unix.ICANON | unix.ISIG
	return unix.IoctlSetTermios(fd, unix.TCSETS, mode)
}
