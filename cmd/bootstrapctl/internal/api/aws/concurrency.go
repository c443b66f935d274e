package aws

import (
	"net/http"

	"bootstrap/cmd/bootstrapctl/internal/local"
)

// maxReserved is how much of an account's 1000 concurrent events one function may
// reserve.
const maxReserved = 900

// A concurrency is how many instances a function may have.
type concurrency struct {
	ReservedConcurrentExecutions int
}

// concurrency returns the reserved concurrency of a function, or nil.
func (c *call) concurrency(f *local.Function) *concurrency {
	n := f.Describe().Settings.Instances
	switch {
	case c.notesOf(f).throttled:
		return &concurrency{0}
	case n > 0:
		return &concurrency{n}
	}
	return nil
}

func (c *call) getConcurrency() (reply, error) {
	f, _, err := c.function()
	if err != nil {
		return reply{}, err
	}
	if n := c.concurrency(f); n != nil {
		return reply{http.StatusOK, n}, nil
	}
	return reply{http.StatusOK, object{}}, nil
}

// putConcurrency sets the maximum of instances. With 0, Invoke refuses each event; those
// of triggers still reach the function.
func (c *call) putConcurrency() (reply, error) {
	f, _, err := c.function()
	if err != nil {
		return reply{}, err
	}
	var in struct{ ReservedConcurrentExecutions *int }
	if err := c.decode(&in); err != nil {
		return reply{}, err
	}
	n := in.ReservedConcurrentExecutions
	switch {
	case n == nil || *n < 0:
		return reply{}, violation("", "reservedConcurrentExecutions", "Member must have value greater than or equal to 0")
	case *n > maxReserved:
		return reply{}, invalid("Specified ReservedConcurrentExecutions for function decreases account's UnreservedConcurrentExecution below its minimum value of [100].")
	}
	return reply{http.StatusOK, concurrency{*n}}, c.reserve(f, *n, *n == 0)
}

func (c *call) deleteConcurrency() (reply, error) {
	f, _, err := c.function()
	if err != nil {
		return reply{}, err
	}
	return reply{status: http.StatusNoContent}, c.reserve(f, 0, false)
}

// reserve sets the maximum of instances, 0 for the cloud's.
func (c *call) reserve(f *local.Function, n int, throttled bool) error {
	if err := f.Configure(func(s *local.Settings) { s.Instances = n }); err != nil {
		return err
	}
	c.note(f, func(n *notes) { n.throttled = throttled })
	return nil
}
