package adapters

import (
	"syscall"

	"bootstrap/adapters/failure"
	"bootstrap/protocol"
	"bootstrap/supervisor/process"
)

// maxExitedEarly is how many standby processes in a row may exit before their event.
// After that none is started in advance, because the command does not wait for its
// stdin.
const maxExitedEarly = 3

// Prepare starts the process for the next event, which it waits for on its stdin.
// What only the event brings, such as FUNCTION_REQUEST_ID, is not in its
// environment.
func (o *oneshot) Prepare() {
	if !o.fn.settings.Standby || o.next != nil || o.exitedEarly == maxExitedEarly {
		return
	}
	o.next, _ = o.start(&process.Command{Path: o.path, Args: o.args, Open: true}, &protocol.Event{}) // else Invoke starts one and reports the error
}

// waiting returns the process that was started in advance, if it still waits.
func (o *oneshot) waiting() *call {
	c := o.next
	switch {
	case c == nil:
		return nil
	case !c.process.Exited():
		o.next, o.exitedEarly = nil, 0
		return c
	}
	o.exitedEarly++
	o.fn.services.Logger.Warn("the standby process exited before its event: does the command wait for stdin first?",
		"exit", failure.Code(o.drop()), "given_up", o.exitedEarly == maxExitedEarly)
	return nil
}

// drop stops the process that was started in advance.
func (o *oneshot) drop() (status syscall.WaitStatus) {
	if o.next != nil {
		status = o.next.process.Stop(0)
		o.next = nil
	}
	return status
}
