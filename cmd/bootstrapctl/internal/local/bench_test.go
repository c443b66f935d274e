package local_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"bootstrap/cmd/bootstrapctl/internal/local"
	"bootstrap/cmd/bootstrapctl/internal/local/localtest"
	"bootstrap/protocol"
)

// BenchmarkInvoke measures a warm event in one instance. make bench compares
// the whole command with AWS's emulator; this is for a profile (go test -bench
// Invoke -cpuprofile FILE).
func BenchmarkInvoke(b *testing.B) {
	for _, size := range []int{100, 5 << 20} {
		b.Run(fmt.Sprint(size), func(b *testing.B) {
			cloud := localtest.New(b, local.Options{})
			f, err := cloud.Create(local.Settings{Name: "hello", Platform: protocol.Lambda}, local.Code{Path: b.TempDir()})
			if err != nil {
				b.Fatal(err)
			}
			event := []byte(`"` + strings.Repeat("a", size-2) + `"`)
			send := func() {
				inv, err := f.Invoke(context.Background(), local.Call{Body: event})
				if err != nil || inv.Fault != nil || len(inv.Outcome.Body) != size {
					b.Fatal(inv, err)
				}
			}
			send() // starts the instance
			b.ReportAllocs()
			for b.Loop() {
				send()
			}
		})
	}
}
