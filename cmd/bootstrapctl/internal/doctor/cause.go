package doctor

import (
	"slices"

	"bootstrap/cmd/bootstrapctl/internal/clouderror"
	"bootstrap/protocol"
)

// causes says why a platform cannot start a package with a finding. With any other
// finding, the platform starts the runtime, which reports the error itself.
var causes = map[string]clouderror.Cause{
	"empty":                    clouderror.NoBootstrap,
	"outer-folder":             clouderror.NoBootstrap,
	"bootstrap-case":           clouderror.NoBootstrap,
	"scf-bootstrap":            clouderror.NoBootstrap,
	"bootstrap-missing":        clouderror.NoBootstrap,
	"bootstrap-not-executable": clouderror.NotExecutable,
	"bootstrap-empty":          clouderror.ExecFormat,
	"bootstrap-crlf":           clouderror.NoSuchFile,
	"bootstrap-bom":            clouderror.ExecFormat,
	"bootstrap-no-shebang":     clouderror.ExecFormat,
	"bootstrap-not-linux":      clouderror.ExecFormat,
	"bootstrap-arch":           clouderror.ExecFormat,
	"bootstrap-loader":         clouderror.NoSuchFile,
	"bootstrap-interpreter":    clouderror.NoSuchFile,
}

// CauseOf returns why a platform cannot start a package with that finding, or an empty
// Cause if it can.
func CauseOf(id string) clouderror.Cause { return causes[id] }

// refused lists the findings because of which a platform does not take a package.
var refused = []string{"zip-broken", "unsafe-name", "zip-encrypted", "zip-method", "unpacked-size", "packed-size"}

// RefusesUpload reports whether platforms do not take a package with that finding.
func RefusesUpload(id string) bool { return slices.Contains(refused, id) }

// startErrors returns the error of each platform for a cause, where it is known.
func startErrors(cause clouderror.Cause) map[string]string {
	texts := map[string]string{}
	for _, p := range protocol.Platforms {
		if e := clouderror.Of(p.Name, cause); e.Confidence != clouderror.Assumed {
			texts[p.Name] = e.String()
		}
	}
	return texts
}
