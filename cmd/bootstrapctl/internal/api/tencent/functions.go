package tencent

import (
	"cmp"
	"strings"

	"bootstrap/cmd/bootstrapctl/internal/local"
	"bootstrap/protocol"
)

type createParams struct {
	target
	configuration
	Code                                        *code
	Handler, Type                               string
	AsyncRunEnable, ProtocolType                string
	CodeSource, Tags, TraceEnable               any
	AutoDeployClsTopicIndex, AutoCreateClsTopic any
}

// check checks what only a new function has.
func (p *createParams) check() error {
	switch {
	case p.Runtime == nil:
		return fail("MissingParameter.Runtime", "the call has no Runtime: expected %s", customRuntime)
	case p.Code == nil:
		return fail("MissingParameter.Code", "the call has no code: send the package as Code.ZipFile")
	case strings.EqualFold(p.Type, "HTTP"):
		return fail("UnsupportedOperation", "web functions (Type HTTP), which start scf_bootstrap, do not run here: create a function of Type Event with a bootstrap, and give it an API gateway trigger")
	case p.Type != "" && p.Type != "Event":
		return fail("InvalidParameterValue.FunctionType", "the Type is %q: expected Event", short(p.Type))
	case p.AsyncRunEnable == "TRUE":
		return fail("UnsupportedOperation.AsyncRunEnable", "the local platform has no asynchronous execution beyond the time limit: leave AsyncRunEnable out")
	}
	return cmp.Or(checkName(p.FunctionName), checkNamespace(p.Namespace), checkHandler(p.Handler), p.configuration.check())
}

// createFunction adds a function, which is active at once.
func (s *server) createFunction(_ *call, p *createParams) (any, error) {
	if err := p.check(); err != nil {
		return nil, err
	}
	content, err := p.Code.read()
	if err != nil {
		return nil, err
	}
	settings := local.Settings{Name: p.FunctionName, Platform: protocol.SCF, Handler: p.Handler}
	p.apply(&settings)
	_, err = s.cloud.Create(settings, content)
	return struct{}{}, err
}

type updateCodeParams struct {
	target
	code
	Handler                              *string
	Code                                 *code
	Publish                              string
	InstallDependency, EnvId, CodeSource any
}

// updateFunctionCode gives a function another package. Older clients send it beside the
// name, and newer ones below Code.
func (s *server) updateFunctionCode(_ *call, p *updateCodeParams) (any, error) {
	f, err := s.function(p.target)
	if err != nil {
		return nil, err
	}
	if p.Code == nil {
		p.Code = &p.code
	}
	content, err := p.Code.read()
	if err != nil {
		return nil, err
	}
	if err := checkPublish(p.Publish); err != nil {
		return nil, err
	}
	if p.Handler == nil || *p.Handler == "" {
		return struct{}{}, f.SetCode(content)
	}
	if err := checkHandler(*p.Handler); err != nil {
		return nil, err
	}
	if err := f.SetCode(content); err != nil {
		return nil, err
	}
	if f.Describe().Handler == *p.Handler {
		return struct{}{}, nil
	}
	return struct{}{}, f.Configure(func(settings *local.Settings) { settings.Handler = *p.Handler })
}

func checkPublish(publish string) error {
	if publish == "TRUE" {
		return fail("UnsupportedOperation", "the local platform has one version of each function: leave Publish out")
	}
	return nil
}

type updateConfigurationParams struct {
	target
	configuration
	Publish                string
	L5Enable, IgnoreSysLog any
}

// updateFunctionConfiguration changes the settings that a call has.
func (s *server) updateFunctionConfiguration(_ *call, p *updateConfigurationParams) (any, error) {
	f, err := s.function(p.target)
	if err != nil {
		return nil, err
	}
	if err := cmp.Or(p.check(), checkPublish(p.Publish)); err != nil {
		return nil, err
	}
	return struct{}{}, f.Configure(p.apply)
}

// deleteFunction removes a function.
func (s *server) deleteFunction(_ *call, p *qualified) (any, error) {
	f, err := s.version(*p)
	if err != nil {
		return nil, err
	}
	return struct{}{}, s.cloud.Delete(protocol.SCF, f.Name())
}
