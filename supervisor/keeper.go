package supervisor

import (
	"context"
	"fmt"
	"sync"
	"syscall"
	"time"

	"bootstrap/protocol"
	"bootstrap/supervisor/process"
)

// A Sidecar is a command that runs beside the function as long as the runtime
// does.
type Sidecar struct {
	Name string
	// Command is started again after each exit, so its Files must stay open and
	// its Outputs must accept the bytes of each run.
	Command process.Command
	// LastOutput returns the last output of a run, to explain its exit; nil: no
	// explanation. It is called after each run, in the goroutine of the
	// Outputs.
	LastOutput func() string
}

// restartBackoff sets the pauses before a sidecar is restarted.
var restartBackoff = protocol.Backoff{Shortest: 500 * time.Millisecond, Longest: 30 * time.Second}

// A keeper keeps one sidecar running. Its processes belong to the goroutine of
// run.
type keeper struct {
	*Sidecar
	sidecars    *Sidecars
	stopProcess context.CancelFunc // ends the context of the process
	grace       time.Duration      // for the process to exit; set before stopProcess is called
	done        chan struct{}      // closed when run returns

	mu       sync.Mutex
	exits    int    // how often the sidecar has exited
	lastExit string // how it exited last
}

// run restarts the sidecar after each exit, until wanted ends, or until the first
// exit if that stops the runtime. When running ends, which is after wanted, run
// stops the process.
func (k *keeper) run(wanted, running context.Context, p *process.Process) {
	defer close(k.done)
	for n := 0; ; n++ {
		began := time.Now()
		how := k.runOnce(running, p)
		ran := time.Since(began)
		if wanted.Err() != nil {
			return
		}
		how = k.withLastOutput(how)
		k.countExit(how)
		if k.sidecars.Fail {
			k.sidecars.Log.Error("sidecar exited", "name", k.Name, "how", how, "ran", ran.Round(time.Millisecond).String())
			k.sidecars.onExit(k.failure(how))
			return
		}
		if ran >= k.sidecars.backoff.Longest { // it was healthy
			n = 0
		}
		pause := k.sidecars.backoff.Pause(n)
		k.sidecars.Log.Warn("sidecar exited", "name", k.Name, "how", how, "ran", ran.Round(time.Millisecond).String(), "restart_in", pause.Round(time.Millisecond).String())
		if !protocol.Sleep(wanted, pause) {
			return
		}
		p = nil
	}
}

// runOnce runs the sidecar until it exits, and returns how it exited. It starts the
// process unless p is running already.
func (k *keeper) runOnce(running context.Context, p *process.Process) (how string) {
	if p == nil {
		var err error
		if p, err = process.Start(&k.Command); err != nil {
			return err.Error()
		}
	}
	defer k.killLeftovers(p)
	if err := p.Pump(running, nil); running.Err() == nil || err == process.ErrExited {
		return process.ExitReason(p.Stop(0))
	}
	status := p.StopGroup(k.grace)
	if status.Signal() == syscall.SIGKILL {
		k.sidecars.Log.Warn("sidecar killed", "name", k.Name, "after", k.grace.Round(time.Millisecond).String())
	}
	return process.ExitReason(status)
}

// killLeftovers kills what the sidecar has left behind, because that may disturb the
// next run.
func (k *keeper) killLeftovers(p *process.Process) {
	if k.Command.Owner != process.Anybody {
		p.KillLeftovers()
	}
}

func (k *keeper) countExit(how string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.exits++
	k.lastExit = how
}

func (k *keeper) status() string {
	k.mu.Lock()
	defer k.mu.Unlock()
	switch k.exits {
	case 0:
		return k.Name + " runs"
	case 1:
		return fmt.Sprintf("%s has exited once: %s", k.Name, k.lastExit)
	}
	return fmt.Sprintf("%s has exited %d times, last: %s", k.Name, k.exits, k.lastExit)
}

// withLastOutput adds the last output to how the sidecar exited.
func (k *keeper) withLastOutput(how string) string {
	if k.LastOutput != nil {
		if output := k.LastOutput(); output != "" {
			how += ": " + output
		}
	}
	return how
}

func (k *keeper) failure(how string) *protocol.Failure {
	return &protocol.Failure{Type: "Runtime.SidecarExit", Message: fmt.Sprintf("sidecar %s exited: %s", k.Name, how)}
}

// stop stops the sidecar, within the grace and a little more.
func (k *keeper) stop(grace time.Duration) {
	k.grace = grace
	k.stopProcess()
	<-k.done
}
