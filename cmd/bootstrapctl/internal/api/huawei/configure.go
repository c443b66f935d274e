package huawei

import (
	"net/http"

	"bootstrap/cmd/bootstrapctl/internal/local"
)

// configure changes the settings of a function.
func (a *api) configure(w http.ResponseWriter, r *http.Request, f *local.Function) error {
	var request struct {
		Name string `json:"func_name"`
		configuration
	}
	if err := decode(r, &request); err != nil {
		return err
	}
	if request.Name != "" && request.Name != f.Name() {
		return errName.because("%q: the name of a function cannot change.", request.Name)
	}
	var refused error
	err := f.Configure(func(s *local.Settings) {
		changed := *s
		if refused = request.apply(&changed); refused == nil {
			*s = changed
		}
	})
	if refused != nil {
		return refused
	}
	if err != nil {
		return err
	}
	return a.describe(w, r, f)
}

// limitInstances sets how many instances a function has at most.
func (a *api) limitInstances(w http.ResponseWriter, r *http.Request, f *local.Function) error {
	var request struct {
		Maximum int `json:"max_instance_num"`
	}
	if err := decode(r, &request); err != nil {
		return err
	}
	limit := strategy{Concurrency: request.Maximum}
	if err := limit.check(); err != nil {
		return err
	}
	if err := f.Configure(func(s *local.Settings) { s.Instances = max(limit.Concurrency, 0) }); err != nil {
		return err
	}
	return a.describe(w, r, f)
}
