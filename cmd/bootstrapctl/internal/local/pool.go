package local

import (
	"context"
	"math"
	"slices"
	"sync"
	"time"
)

// A pool holds the instances of a function. An event gets the free instance
// that was used last. If none is free, it gets a new one, or waits if there are
// too many.
type pool struct {
	function *Function
	maximum  int // instances of the present build
	queue    int // events that may wait

	mu      sync.Mutex
	build   *build         // nil before the first one, and after stop
	stopped bool           // for ever
	begun   int            // instances of the present build, and permissions to make one
	free    []*slot        // instances without an event; the last one was used last
	busy    []*slot        // instances with an event, also those of earlier builds
	waiting []chan grant   // the oldest first; each has room for its grant
	open    sync.WaitGroup // the instances
	lastUse time.Time      // when an instance was put back
	killed  []string       // names of processes that instances had left running
}

// A grant is an instance, or the permission to make one.
type grant struct {
	slot  *slot
	build *build // of which to make an instance, if slot is nil; it counts as used
}

// take returns an instance for the caller alone, or waits for one until ctx
// ends. The caller must put it back. take returns ErrThrottled if the queue is
// full.
func (p *pool) take(ctx context.Context) (*slot, error) { return p.takeWithin(ctx, p.queue) }

// takeLater does the same as take for an asynchronous event, which never finds
// the queue full.
func (p *pool) takeLater(ctx context.Context) (*slot, error) { return p.takeWithin(ctx, math.MaxInt) }

func (p *pool) takeWithin(ctx context.Context, queue int) (*slot, error) {
	began, waited := time.Now(), time.Duration(0)
	g, turn, err := p.ask(queue)
	if err == nil && turn != nil {
		g, err = p.await(ctx, turn)
		waited = time.Since(began)
	}
	s := g.slot
	if err == nil && s == nil {
		s, err = p.make(g.build)
	}
	if err != nil {
		return nil, err
	}
	s.waited = waited
	return s, nil
}

// make makes an instance for a caller with the permission to do so.
func (p *pool) make(b *build) (*slot, error) {
	s, err := p.function.newSlot(b)
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case err == nil && p.stopped:
		s.close(p.function.cloud)
		return nil, ErrClosed
	case err == nil:
		p.open.Add(1)
		p.busy = append(p.busy, s)
	default:
		p.giveBack(grant{build: b})
	}
	return s, err
}

// ask returns a grant, or a channel for it.
func (p *pool) ask(queue int) (grant, chan grant, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.build == nil {
		return grant{}, nil, ErrClosed
	}
	if g, ok := p.grant(); ok {
		return g, nil, nil
	}
	if len(p.waiting) >= queue {
		return grant{}, nil, ErrThrottled
	}
	turn := make(chan grant, 1)
	p.waiting = append(p.waiting, turn)
	return grant{}, turn, nil
}

// await waits for a grant. The channel is closed when the pool stops.
func (p *pool) await(ctx context.Context, turn chan grant) (grant, error) {
	select {
	case g, ok := <-turn:
		if !ok {
			return g, ErrClosed
		}
		return g, nil
	case <-ctx.Done():
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if i := slices.Index(p.waiting, turn); i >= 0 {
		p.waiting = slices.Delete(p.waiting, i, i+1)
	} else if g, ok := <-turn; ok {
		p.giveBack(g)
	}
	return grant{}, context.Cause(ctx)
}

// The methods below are for those who hold the lock.

// grant returns the instance that was used last, or the permission to make one.
func (p *pool) grant() (grant, bool) {
	if n := len(p.free); n > 0 {
		s := p.free[n-1]
		p.free, p.busy = p.free[:n-1], append(p.busy, s)
		s.idle.Stop()
		return grant{slot: s}, true
	}
	if p.begun < p.maximum {
		p.begun++
		p.build.use()
		return grant{build: p.build}, true
	}
	return grant{}, false
}

// giveBack takes back a grant that its receiver no longer needs.
func (p *pool) giveBack(g grant) {
	if g.slot != nil {
		p.setFree(g.slot)
	} else {
		p.function.cloud.release(g.build)
		if g.build == p.build {
			p.begun--
		}
	}
	p.serveQueue()
}

// serveQueue grants the available instances to the oldest calls in the queue.
func (p *pool) serveQueue() {
	for len(p.waiting) > 0 && p.build != nil {
		g, ok := p.grant()
		if !ok {
			return
		}
		p.waiting[0] <- g
		p.waiting = p.waiting[1:]
	}
}

// setFree marks an instance as free, or stops it if it belongs to an earlier
// build.
func (p *pool) setFree(s *slot) {
	p.busy = slices.DeleteFunc(p.busy, func(other *slot) bool { return other == s })
	if s.build != p.build {
		p.end(s)
		return
	}
	s.idle = time.AfterFunc(p.function.cloud.options.Idle, func() { p.endIdle(s) })
	p.free = append(p.free, s)
}

// end stops an unused instance in the background.
func (p *pool) end(s *slot) {
	go func() { // ends with the instance
		defer p.open.Done()
		killed := s.stop(p.function.cloud)
		p.mu.Lock()
		defer p.mu.Unlock()
		p.killed = append(p.killed, killed...)
	}()
}

// put takes an instance back.
func (p *pool) put(s *slot) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.lastUse = time.Now()
	p.setFree(s)
	p.serveQueue()
}

// endIdle stops an instance that has been idle too long.
func (p *pool) endIdle(s *slot) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if i := slices.Index(p.free, s); i >= 0 {
		p.free = slices.Delete(p.free, i, i+1)
		p.begun--
		p.end(s)
	}
}

// renew switches to another build. Instances of the old build stop after their
// event. It returns ErrClosed after stop.
func (p *pool) renew(b *build, maximum int) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.stopped {
		return ErrClosed
	}
	for _, s := range p.free {
		s.idle.Stop()
		p.end(s)
	}
	p.build, p.maximum, p.free, p.begun = b, maximum, nil, 0
	p.serveQueue()
	return nil
}

// stop stops all instances after their events, as the platform does, and waits for them.
// When closing ends, it asks those that serve an event to stop, too: they may still answer.
// stop returns the names of the processes that the instances left running.
func (p *pool) stop(closing context.Context) (killed []string) {
	p.mu.Lock()
	for _, s := range p.free {
		s.idle.Stop()
		p.end(s)
	}
	for _, turn := range p.waiting {
		close(turn)
	}
	p.stopped, p.build, p.free, p.waiting = true, nil, nil, nil
	p.mu.Unlock()
	defer context.AfterFunc(closing, p.interrupt)()
	p.open.Wait()
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.killed
}

// interrupt makes instances stop that serve an event.
func (p *pool) interrupt() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, s := range p.busy {
		go s.runner.Interrupt() // ends with the instance
	}
}

func (p *pool) isStopped() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.stopped
}

// count returns how many instances there are, how many of them serve an event, how many
// calls wait for one, and when an event ended.
func (p *pool) count() (all, busy, waiting int, lastUse time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.free) + len(p.busy), len(p.busy), len(p.waiting), p.lastUse
}
