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

// Sidecars are started in order and ended in reverse. One that ends is started
// again, after a pause that grows while it does not live long.
type Sidecars struct {
	List []Sidecar
	Fail bool // none is started again: the death of one is the end of all
	Log  hclog.Logger

	backoff      protocol.Backoff // zero: restarts
	onExit       func(error)
	stopRestarts context.CancelFunc
	keepers      []*keeper // of those that are started
}

// abortGrace is for sidecars that end because another cannot be started.
const abortGrace = time.Second

// Start starts all, and does not wait until they are ready: see WaitFor. When
// one cannot be started those before it are ended, and the error names it.
//
// Where Fail is set, died is called when the first has ended, with a
// *protocol.Failure; never after Stop. It must not call Stop. Who has started
// them must.
func (s *Sidecars) Start(died func(error)) error {
	s.backoff = cmp.Or(s.backoff, restartBackoff)
	var once sync.Once
	s.onExit = func(err error) { once.Do(func() { died(err) }) }
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
	go k.run(wanted, running, p) // ended and joined by k.end
	return nil
}

// Stop ends them, the last one first, and returns when all are gone. Each is
// told to end by SIGTERM; after its grace its group is killed. The grace comes
// from share, where left counts those that are not ended yet. What has ended
// meanwhile is not started again. Without Start, and again, it does nothing.
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

// Status says how they are, for a message: "cache runs; db has ended 3 times,
// last: exit status 1".
func (s *Sidecars) Status() string {
	var all []string
	for _, k := range s.keepers {
		all = append(all, k.status())
	}
	return strings.Join(all, "; ")
}
