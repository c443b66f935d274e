package integration

import (
	"os"
	"sync"
	"testing"

	"bootstrap/internal/effort"
)

// A matrix is a table of the page: faults, and their effects on bootstrap and on other
// programs.
type matrix struct {
	title, text string
	subject     string // of the names of the rows
	others      string // their names, as cells
	rows        []row
}

// A row is a fault. Its effects on other programs were measured elsewhere.
type row struct {
	name   string
	ours   func(t *testing.T, way string) string // makes it happen, and describes what bootstrap did
	others string                                // cells
}

// waiting lists the ways in which a process waits for the event. They must
// avoid the faults of starting a process for each event.
var waiting = []string{"standby", "function", "sh", "python", "node", "worker"}

// TestFaults makes every fault happen to bootstrap and checks that it holds
// out. With FAULTS_OUT it writes the page.
func TestFaults(t *testing.T) {
	effort.LongOnly(t)
	cells := &cells{}
	t.Run("all", func(t *testing.T) {
		for _, m := range matrices {
			for _, r := range m.rows {
				t.Run(r.name, func(t *testing.T) { cells.fill(t, r, "stdin") })
			}
		}
		for _, r := range matrices[0].rows {
			for _, way := range waiting {
				t.Run(r.name+", "+way, func(t *testing.T) { cells.fill(t, r, way) })
			}
		}
	})
	if file := os.Getenv("FAULTS_OUT"); file != "" && !t.Failed() {
		if err := os.WriteFile(file, cells.page(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// cells holds the effects on bootstrap, by a row's name and the way.
type cells struct{ sync.Map }

func (c *cells) fill(t *testing.T, r row, way string) {
	t.Parallel()
	c.Store(r.name+", "+way, r.ours(t, way))
}

func (c *cells) get(r row, way string) string {
	cell, ok := c.Load(r.name + ", " + way)
	if !ok {
		return "not tested here"
	}
	return cell.(string)
}
