//go:build linux

package main

import (
	"context"
	"io"
	"os"

	"golang.org/x/sys/unix"
	"golang.org/x/term"
)

// obeyKeys waits for the end of ctx, or for the key q. On a terminal, other keys
// restart the functions or repeat an event.
func (c *localCloud) obeyKeys(ctx context.Context, stdin io.Reader) {
	file, ok := stdin.(*os.File)
	if !ok || !term.IsTerminal(int(file.Fd())) || inBackground(file) {
		<-ctx.Done()
		return
	}
	c.lifeline.restore(file) // if we cannot do so ourselves
	restore, err := readKeys(file)
	if err != nil {
		<-ctx.Done()
		return
	}
	defer restore()
	c.board.Note("keys: r restart, l last event again, q quit")
	keys := pressed(file)
	for {
		select {
		case <-ctx.Done():
			return
		case key := <-keys:
			if key == 'q' {
				return
			}
			c.obey(ctx, key)
		}
	}
}

// inBackground reports whether the kernel would stop this process for using its
// terminal, as it does after "bootstrapctl local &". A terminal of another session,
// for which the call fails, can be used.
func inBackground(terminal *os.File) bool {
	group, err := unix.IoctlGetInt(int(terminal.Fd()), unix.TIOCGPGRP)
	return err == nil && group != unix.Getpgrp()
}

// pressed returns a channel that receives the keys. Its goroutine ends with the
// program, as a read from a terminal cannot be interrupted.
func pressed(terminal *os.File) <-chan byte {
	keys := make(chan byte)
	go func() {
		key := make([]byte, 1)
		for {
			if n, err := terminal.Read(key); err != nil || n == 0 {
				return
			}
			keys <- key[0]
		}
	}()
	return keys
}

func (c *localCloud) obey(ctx context.Context, key byte) {
	switch key {
	case 'r':
		c.restart()
	case 'l':
		go c.repeat(ctx) // ends with the event
	}
}

// readKeys makes a terminal return each key at once and not show it. Ctrl-C still sends
// a signal.
func readKeys(terminal *os.File) (restore func(), err error) {
	fd := int(terminal.Fd())
	before, err := unix.IoctlGetTermios(fd, unix.TCGETS)
	if err != nil {
		return nil, err
	}
	changed := *before
	changed.Lflag &^= unix.ICANON | unix.ECHO
	if err := unix.IoctlSetTermios(fd, unix.TCSETS, &changed); err != nil {
		return nil, err
	}
	return func() { _ = unix.IoctlSetTermios(fd, unix.TCSETS, before) }, nil // the terminal may be gone
}
