package huawei

import (
	"net/http"

	"bootstrap/cmd/bootstrapctl/internal/local"
	"bootstrap/protocol"
)

// create adds a function.
func (a *api) create(w http.ResponseWriter, r *http.Request) error {
	var request struct {
		Name    string `json:"func_name"`
		Package string `json:"package"`
		configuration
		codeRequest
	}
	if err := decode(r, &request); err != nil {
		return err
	}
	if err := checkName(request.Name, request.Package); err != nil {
		return err
	}
	settings := local.Settings{Name: request.Name, Platform: protocol.FunctionGraph}
	if err := request.apply(&settings); err != nil {
		return err
	}
	code, err := request.read()
	if err != nil {
		return err
	}
	f, err := a.cloud.Create(settings, code)
	if err != nil {
		return err
	}
	return a.describe(w, r, f)
}

func checkName(name, pack string) error {
	switch {
	case len(name) > limits.Name || !validName.MatchString(name):
		return errName.because("%q: expected a letter, at most %d letters, digits, - and _, and a letter or a digit at the end.", name, limits.Name)
	case pack == "":
		return errPackage.because("Set package to %q.", defaultPackage)
	case pack != defaultPackage:
		return errNoApp.because("%q: the local platform has only the package %q.", pack, defaultPackage)
	}
	return nil
}
