package doctor

import (
	"maps"
	"testing"
)

// A row whose platforms cannot start the package shows their errors.
func TestCauses(t *testing.T) {
	for id, cause := range causes {
		if r := ruleOf(id); r.level != Error || !maps.Equal(r.cloud, startErrors(cause)) {
			t.Errorf("%s: the row has not the errors of %q", id, cause)
		}
	}
	for _, id := range refused {
		if ruleOf(id).level != Error || CauseOf(id) != "" {
			t.Errorf("%s: expected an error that keeps the package from being taken", id)
		}
	}
}
