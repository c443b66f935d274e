package process

import (
	"syscall"
	"testing"

	"bootstrap/internal/procfs"
)

// BenchmarkLeftovers measures the check for leftovers after an event, where
// orphans are adopted and where only marks can be read. It reports how many
// processes the system had.
func BenchmarkLeftovers(b *testing.B) {
	s := &processes.sandbox
	s.explore()
	resident, err := Start(shell("exec sleep 600"))
	if err != nil {
		b.Fatal(err)
	}
	defer resident.Stop(0)
	adoption, found := s.adoption, s.marker
	defer func() { s.adoption, s.marker = adoption, found }()
	for _, row := range []struct {
		name     string
		adoption error
		marker   marker
	}{{"adopted", nil, found}, {"by limit", syscall.EPERM, found}, {"by environment", syscall.EPERM, environMarker{}}} {
		b.Run(row.name, func(b *testing.B) {
			s.adoption, s.marker = row.adoption, row.marker
			all, _ := procfs.Pids()
			for b.Loop() {
				if left := processes.killLeftovers(Anybody, bound); len(left) > 0 {
					b.Fatal(left)
				}
			}
			b.ReportMetric(float64(len(all)), "processes")
		})
	}
}
