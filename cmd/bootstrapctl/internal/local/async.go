package local

import (
	"fmt"
	"sync"
	"time"

	"bootstrap/cmd/bootstrapctl/internal/pack"
)

// Enqueue accepts an asynchronous event and returns its request id. After a failure
// the event is sent again, as the platforms do, but sooner. Errors are ErrTooLarge,
// ErrThrottled and ErrClosed.
func (f *Function) Enqueue(call Call) (id string, err error) {
	inv, err := f.accept(call, LimitsOf(f.platform).AsyncEvent)
	if err != nil {
		return "", err
	}
	inv.Async = true
	c := f.cloud
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed || f.pool.isStopped() {
		return "", ErrClosed
	}
	if !f.queued.add(len(call.Body)) {
		return "", ErrThrottled
	}
	call.ID = inv.ID
	f.history.add(inv)
	c.async.Go(func() { f.deliver(inv, call) })
	return inv.ID, nil
}

// Limits on the asynchronous events of a function that wait or run.
const (
	maxQueued     = 1000
	maxQueuedSize = 64 << 20 // bytes of all of them
)

// A backlog counts asynchronous events that wait or run.
type backlog struct {
	mu            sync.Mutex
	events, bytes int
}

// add counts one more event of that size, if there is room for it.
func (b *backlog) add(size int) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.events == maxQueued || b.bytes+size > maxQueuedSize {
		return false
	}
	b.events, b.bytes = b.events+1, b.bytes+size
	return true
}

func (b *backlog) remove(size int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.events, b.bytes = b.events-1, b.bytes-size
}

// deliver sends an asynchronous event until it succeeds or the last attempt has
// failed.
func (f *Function) deliver(first *Invocation, call Call) {
	defer f.queued.remove(len(call.Body))
	for attempt := 0; ; attempt++ {
		inv := *first
		inv.Attempt, inv.Status = attempt, Queued
		last := attempt == len(f.cloud.options.Retries)
		over := f.try(&inv, call, last)
		if over || last || !f.pause(f.cloud.options.Retries[attempt]) {
			return
		}
	}
}

// try sends an asynchronous event once, and reports whether no other attempt
// follows.
func (f *Function) try(inv *Invocation, call Call, last bool) (over bool) {
	f.history.add(inv)
	err := f.run(inv, call, func() (*slot, error) { return f.pool.takeLater(f.cloud.running) })
	inv.Ended = time.Now()
	if err != nil {
		inv.Fault = machineFault(f.platform, err)
	}
	switch {
	case inv.Fault == nil:
		inv.Status = Succeeded
	case last || err != nil && !pack.IsShortage(err):
		inv.Status = Failed
	default:
		inv.Status = Queued // it is sent again
	}
	f.history.add(inv)
	if f.cloud.options.Done != nil {
		f.cloud.options.Done(f, inv)
	}
	return inv.Status != Queued
}

// pause waits before the next attempt, and reports whether the cloud is still
// open.
func (f *Function) pause(d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return f.cloud.closing.Err() == nil
	case <-f.cloud.closing.Done():
		return false
	}
}

// Invocation returns the latest state of the invocation with that request id, or
// ErrNotFound.
func (f *Function) Invocation(id string) (*Invocation, error) {
	if inv := f.history.find(id); inv != nil {
		return inv, nil
	}
	return nil, fmt.Errorf("%w: there is no invocation %s", ErrNotFound, id)
}

// Invocations returns the latest invocations, the newest first.
func (f *Function) Invocations() []*Invocation { return f.history.list() }
