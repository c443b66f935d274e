package deployfile

import "go.yaml.in/yaml/v4"

// componentUndone describes the keys of component scf that the local platform
// ignores.
var componentUndone = map[string]string{
	"layers":         "layers are not added",
	"vpcConfig":      "there is no private network",
	"role":           "the function gets no credentials of a role",
	"cfs":            "file systems are not mounted",
	"cls":            "logs are not sent to CLS",
	"deadLetter":     "failed events are not sent to a dead letter queue",
	"asyncRunEnable": "asynchronous events cannot exceed the time limit",
	"eip":            "there is no fixed address",
}

// component reads a serverless.yml of component scf
// (github.com/serverless-components/tencent-scf, docs/configure.md).
func (r *reader) component() {
	r.file.Format = "component scf"
	kind, inputs := r.root.get("component"), r.root.get("inputs")
	name, stage, app := r.root.get("name"), r.root.get("stage"), r.root.get("app").or(r.root.get("name"))
	r.language = newVariables(r, map[string]named{
		"name": {value: name}, "stage": {stage, "dev"}, "app": {value: app}, "org": {value: r.root.get("org")},
	})
	if text := kind.text(""); text != "scf" {
		r.complain(kind.line(), "cannot read component %s: expected component: scf", text)
		return
	}
	if !name.given() {
		r.complain(1, "the component has no name")
		return
	}
	f := Function{Platform: "scf", Line: inputs.above}
	f.Name = inputs.get("name").text(name.text("") + "-" + stage.text("dev") + "-" + app.text(""))
	r.scf(&f, inputs)
	for _, event := range inputs.get("events").items() {
		for _, p := range event.pairs() {
			r.componentEvent(&f, p)
		}
	}
	r.add(f)
}

// scf reads the inputs of component scf. Defaults come from the component's table;
// its sample has other time limits.
func (r *reader) scf(f *Function, inputs value) {
	if kind := inputs.get("type"); kind.text("event") == "web" {
		r.complain(kind.line(), "function %s: type web starts scf_bootstrap as a web server, not bootstrap as a runtime for events: remove type", f.Name)
		return
	}
	f.Runtime = r.runtime(*f, inputs.get("runtime"), "Nodejs10.15")
	r.source(f, inputs.get("src"))
	f.Handler = inputs.get("handler").text("index.main_handler")
	f.MemoryMB = inputs.get("memorySize").number(1, 128)
	f.Timeout = inputs.get("timeout").seconds(3)
	f.InitTimeout = inputs.get("initTimeout").seconds(3)
	f.Env = r.env(inputs.get("environment", "variables"))
	r.undone(*f, inputs, componentUndone)
}

// source reads src: a path, or a path with globs of files to leave out.
func (r *reader) source(f *Function, src value) {
	local := src
	if src.is(yaml.MappingNode) {
		local = src.get("src")
		if globs := src.get("exclude"); globs.given() {
			r.note(globs.line(), "function %s: src.exclude is not applied: the code is used as it is", f.Name)
		}
	}
	switch {
	case local.given():
		f.Code = r.code(*f, local)
	case src.given():
		r.remote(*f, src, "COS", "src")
	default:
		r.complain(f.Line, "function %s has no src: set src to a folder or a zip", f.Name)
	}
}

// componentEvent reads one of the events: its kind and its parameters. A timer is
// off by default, as the component's table says.
func (r *reader) componentEvent(f *Function, p pair) {
	parameters := p.get("parameters")
	switch p.key {
	case "timer":
		t := Trigger{Line: p.line}
		t.Name = parameters.get("name").or(p.get("name")).text("timer-" + f.Name)
		t.Enabled = parameters.get("enable").flag(false)
		t.Argument = parameters.get("argument").message()
		r.timer(f, t, parameters.get("cronExpression"))
	case "apigw":
		for _, endpoint := range parameters.get("endpoints").items() {
			r.endpoint(f, p, endpoint)
		}
	default:
		r.ignored(f, p.line, p.key)
	}
}

// endpoint reads a path of an API gateway.
func (r *reader) endpoint(f *Function, gateway pair, endpoint value) {
	parameters := gateway.get("parameters")
	if rules := endpoint.get("isBase64Trigger"); rules.flag(false) {
		r.note(rules.line(), "function %s: the rules for base64 are ignored: bodies are not encoded", f.Name)
	}
	r.http(f, Trigger{
		Name:       parameters.get("serviceName").or(gateway.get("name")).text("apigw-" + f.Name),
		Enabled:    true,
		Line:       endpoint.line(),
		Gateway:    "scf",
		Path:       endpoint.get("path").text("/"),
		Method:     endpoint.get("method").text("ANY"),
		Stage:      parameters.get("environment").text("release"),
		Integrated: endpoint.get("function", "isIntegratedResponse").flag(false),
		Base64:     endpoint.get("isBase64Encoded").flag(false) && !endpoint.get("isBase64Trigger").flag(false),
	})
}
