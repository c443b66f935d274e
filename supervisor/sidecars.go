package supervisor

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"bootstrap/protocol"
	"bootstrap/supervisor/process"

	"github.com/hashicorp/go-hclog"
)

// Sidecars start in order and stop in reverse order. A sidecar that exits is
// restarted after a pause. The pauses grow. After a sidecar has run for a long
// time, its next pause is the shortest one again.
type Sidecars struct {
	List []Sidecar
	Fail bool // the first exit of a sidecar stops the runtime
	Log  hclog.Logger

	backoff      protocol.Backoff // zero: restartBackoff
	onExit       func(error)
	stopRestarts context.CancelFunc
	keepers      []*keeper // of the started sidecars
}

// abortGrace is the grace of sidecars that stop because another one cannot
// start.
const abortGrace = time.Second

// Start starts all sidecars, and does not wait until they are ready: see
// WaitFor. If one cannot start, it stops those before it, and the error names
// it.
//
// If Fail is set, onExit is called with a *protocol.Failure when the first
// sidecar has exited, but not after Stop. onExit must not call Stop. The caller
// of Start must call Stop.
func (s *Sidecars) Start(onExit func(error)) error {
	s.backoff = cmp.Or(s.backoff, restartBackoff)
	var once sync.Once
	s.onExit = func(err error) { once.Do(func() { onExit(err) }) }
	wanted, stopRestarts := context.WithCancel(context.Background())
	s.stopRestarts = stopRestarts
	for i := range s.List {
		if err := s.start(wanted, &s.List[i]); err != nil {
			s.Stop(func(int) time.Duration { return abortGrace })
			return fmt.Errorf("sidecar %s: %w", s.List[i].Name, err)
		}
	}
	return nil
}

func (s *Sidecars) start(wanted context.Context, sidecar *Sidecar) error {
	sidecar.Command.Sidecar = true
	p, err := process.Start(&sidecar.Command)
	if err != nil {
		return err
	}
	running, stopProcess := context.WithCancel(context.Background())
	k := &keeper{Sidecar: sidecar, sidecars: s, stopProcess: stopProcess, done: make(chan struct{})}
	s.keepers = append(s.keepers, k)
	go k.run(wanted, running, p) // ends in k.stop
	return nil
}

// Stop stops the sidecars, the last one first, and returns when all have
// exited. Each gets SIGTERM, and its group SIGKILL after its grace. The grace
// comes from share, where left counts the sidecars that still run. A sidecar
// that exits meanwhile is not restarted. Without Start, or when called again,
// Stop does nothing.
func (s *Sidecars) Stop(share func(left int) time.Duration) {
	if s.stopRestarts == nil {
		return
	}
	s.stopRestarts()
	for i, k := range slices.Backward(s.keepers) {
		k.stop(share(i + 1))
	}
	s.keepers = nil
}

// Status returns the state of all sidecars, for a message: "cache runs; db has
// exited 3 times, last: exit status 1".
func (s *Sidecars) Status() string {
	var all []string
	for _, k := range s.keepers {
		all = append(all, k.status())
	}
	return strings.Join(all, "; ")
}
