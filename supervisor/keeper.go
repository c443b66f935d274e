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

// A Sidecar is a command that runs beside the function for as long as the
// runtime does.
type Sidecar struct {
	Name string
	// Command is started again and again: what it holds must last, and its
	// Outputs must take all.
	Command process.Command
	// Said is what it has said in this life, to explain its death; nil:
	// nothing. It is called at the end of each, where the Outputs are.
	LastOutput func() string
}

// restartBackoff are the pauses before a sidecar is started again.
var restartBackoff = protocol.Backoff{Shortest: 500 * time.Millisecond, Longest: 30 * time.Second}

// A keeper keeps one sidecar alive. Its processes belong to the goroutine that
// runs keep.
type keeper struct {
	*Sidecar
	sidecars    *Sidecars
	stopProcess context.CancelFunc // ends its process
	grace       time.Duration      // that it has then; set before
	done        chan struct{}      // closed when it is over

	mu       sync.Mutex
	exits    int    // how often it has ended
	lastExit string // how
}

// run keeps the sidecar alive from its first process on, and ends when it is
// wanted no more, or its end is the end of all. The end of running ends the
// process, which comes later.
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
			k.sidecars.Log.Error("sidecar ended", "name", k.Name, "how", how, "ran", ran.Round(time.Millisecond).String())
			k.sidecars.onExit(k.failure(how))
			return
		}
		if ran >= k.sidecars.backoff.Longest { // it was well
			n = 0
		}
		pause := k.sidecars.backoff.Pause(n)
		k.sidecars.Log.Warn("sidecar ended", "name", k.Name, "how", how, "ran", ran.Round(time.Millisecond).String(), "restart_in", pause.Round(time.Millisecond).String())
		if !protocol.Sleep(wanted, pause) {
			return
		}
		p = nil
	}
}

// runOnce is one life of the sidecar; it says how that ended. A process that is
// nil is started.
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

// killLeftovers ends what the sidecar has left behind: it may be in the way of its
// next life.
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
		return fmt.Sprintf("%s has ended once: %s", k.Name, k.lastExit)
	}
	return fmt.Sprintf("%s has ended %d times, last: %s", k.Name, k.exits, k.lastExit)
}

// withLastOutput adds its last words to how it has ended.
func (k *keeper) withLastOutput(how string) string {
	if k.LastOutput != nil {
		if said := k.LastOutput(); said != "" {
			how += ": " + said
		}
	}
	return how
}

func (k *keeper) failure(how string) *protocol.Failure {
	return &protocol.Failure{Type: "Runtime.SidecarExit", Message: fmt.Sprintf("sidecar %s ended: %s", k.Name, how)}
}

// stop ends the sidecar, within that grace and a little more.
func (k *keeper) stop(grace time.Duration) {
	k.grace = grace
	k.stopProcess()
	<-k.done
}
