package integration

import (
	"bytes"
	"fmt"
	"os"
	"regexp"
	"runtime"
	"strings"
	"sync"
	"time"
)

const pageHead = `# Faults

What goes wrong in cloud functions, and what becomes of it: in bootstrap, and in programs that do a similar thing. The worst is
in bold. A failure is an error that the platform was told, with its type.

bootstrap was measured by its tests on %s, on the local platform as Tencent SCF: %s, %s, %d processors.
` + "`make faults`" + ` writes this page anew; each row is a test that fails when it no longer holds. The others were measured on another
day on the same kind of machine: look at the shape, not at the third digit.
`

// page is docs/faults.md.
func page(cells *sync.Map) []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, pageHead, time.Now().UTC().Format("2 January 2006"), kernel(), runtime.GOARCH, runtime.NumCPU())
	for _, m := range matrices {
		fmt.Fprintf(&b, "\n## %s\n\n%s\n\n", m.title, m.text)
		fmt.Fprintf(&b, "| %s | bootstrap | %s |\n|%s\n", m.subject, m.others, strings.Repeat(" --- |", 3+strings.Count(m.others, "|")))
		for _, r := range m.rows {
			ours, _ := cells.Load(m.title + r.name)
			fmt.Fprintf(&b, "| %s | %s | %s |\n", r.name, ours, r.others)
		}
	}
	return b.Bytes()
}

// kernel is its name, without what its builders add.
func kernel() string {
	release, _ := os.ReadFile("/proc/sys/kernel/osrelease") // missing: no number
	return "Linux " + regexp.MustCompile(`^[0-9]+\.[0-9]+`).FindString(string(release))
}
