package integration

import (
	"os"
	"sync"
	"testing"
)

// A matrix is a page's table: what goes wrong, and what becomes of it in
// bootstrap and in other programs.
type matrix struct {
	title, text string
	subject     string // of the names of the rows
	others      string // their names, as cells
	rows        []row
}

// A row is something that goes wrong. What is known of the others was measured
// elsewhere.
type row struct {
	name   string
	ours   func(*testing.T) string // makes it happen, and tells what bootstrap did
	others string                  // cells
}

// TestFaults makes all of it happen to bootstrap and wants it to hold. With
// FAULTS_OUT it writes the page.
func TestFaults(t *testing.T) {
	var cells sync.Map // of a matrix's title and a row's
	t.Run("all", func(t *testing.T) {
		for _, m := range matrices {
			for _, r := range m.rows {
				t.Run(r.name, func(t *testing.T) {
					t.Parallel()
					cells.Store(m.title+r.name, r.ours(t))
				})
			}
		}
	})
	if file := os.Getenv("FAULTS_OUT"); file != "" && !t.Failed() {
		if err := os.WriteFile(file, page(&cells), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}
