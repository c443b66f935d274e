//go:build linux

package main

import (
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	"time"

	"bootstrap/internal/procfs"
)

// reapInterval is the pause between two looks for orphans.
const reapInterval = 2 * time.Second

// reapOrphans reaps adopted processes that have exited. It reaps a zombie only
// when it finds it a second time, because by then other code would have reaped
// its own child.
func (c *localCloud) reapOrphans() {
	var seen []int
	for {
		select {
		case <-c.reaping:
			return
		case <-time.After(reapInterval):
		}
		var zombies []int
		for _, pid := range procfs.Children(os.Getpid()) {
			if procfs.ReadStat(pid).Living() || pid == c.lifeline.watcher.Process.Pid {
				continue
			}
			if slices.Contains(seen, pid) {
				_, _ = syscall.Wait4(pid, nil, syscall.WNOHANG, nil) // an error means that it no longer exists
			}
			zombies = append(zombies, pid)
		}
		seen = zombies
	}
}

// close stops all instances as their platforms do. Another signal kills them.
func (c *localCloud) close() {
	if c.stop != nil {
		c.stop()
		c.beside.Wait()
	}
	again := make(chan os.Signal, 1)
	signal.Notify(again, stopSignals...)
	defer signal.Stop(again)
	if n := c.instances(); n > 0 {
		c.board.Note("stopping %s as the platform does; Ctrl-C again kills", plural(n, "instance"))
	}
	done := make(chan []string, 1)
	go func() { done <- c.Cloud.Close() }() // ends when all instances have exited
	var killed []string
	select {
	case killed = <-done:
	case <-after(again, sameSignal):
		c.board.Note("killing")
		c.Kill()
		killed = <-done
	}
	close(c.reaping)
	c.reaped.Wait()
	killed = append(killed, c.lifeline.clearAdopted()...)
	if len(killed) > 0 {
		c.board.Warn("killed what the functions had left running, as the platform would: %s", strings.Join(killed, ", "))
	}
	if c.own != nil {
		c.own.Close()
	}
	_ = os.RemoveAll(c.temp) // the watcher tries it, too
	c.lifeline.release()
	c.board.Summary()
}

// sameSignal is the time after a signal in which another one counts as the
// same: some programs send a signal to the process and then to its group.
const sameSignal = 200 * time.Millisecond

// after returns a channel that gets the first signal that arrives later than
// wait from now.
func after(signals <-chan os.Signal, wait time.Duration) <-chan os.Signal {
	late := make(chan os.Signal, 1)
	began := time.Now()
	go func() { // ends with the program, or with a signal
		for s := range signals {
			if time.Since(began) > wait {
				late <- s
				return
			}
		}
	}()
	return late
}

func (c *localCloud) instances() (n int) {
	for _, f := range c.Functions(nil) {
		n += f.Describe().Running
	}
	return n
}
