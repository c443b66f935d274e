package deployfile

import (
	"strings"

	"go.yaml.in/yaml/v4"
)

// samUndone describes the keys of SAM that the local platform ignores.
var samUndone = map[string]string{
	"Layers":            "layers are not added",
	"VpcConfig":         "there is no private network",
	"Role":              "the function gets no credentials of a role",
	"Policies":          "the function gets no credentials of a role",
	"FileSystemConfigs": "file systems are not mounted",
	"DeadLetterQueue":   "failed events are not sent to a dead letter queue",
	"DeadLetterConfig":  "failed events are not sent to a dead letter queue",
	"EventInvokeConfig": "results are not sent to destinations",
	"Tracing":           "nothing is traced",
	"TracingConfig":     "nothing is traced",
	"SnapStart":         "no snapshot is taken",
	"KmsKeyArn":         "variables are not encrypted",
	"EphemeralStorage":  "the size of /tmp is not limited",
}

// sam reads a template of AWS SAM or CloudFormation
// (docs.aws.amazon.com/serverless-application-model/latest/developerguide/sam-resource-function.html).
func (r *reader) sam(resources value) {
	r.file.Format = "SAM"
	r.language = intrinsics{r}
	for _, p := range resources.pairs() {
		switch p.get("Type").text("") {
		case "AWS::Serverless::Function":
			r.samFunction(p, r.root.get("Globals", "Function"), "CodeUri")
		case "AWS::Lambda::Function":
			r.samFunction(p, value{r: r}, "Code")
		}
	}
}

// samFunction reads a resource. Globals are the defaults of its properties.
func (r *reader) samFunction(p pair, globals value, code string) {
	properties := p.get("Properties")
	property := func(key string) value { return properties.get(key).or(globals.get(key)) }
	f := Function{Platform: "lambda", Line: p.line}
	f.Name = properties.get("FunctionName").text(p.key)
	if kind := property("PackageType"); kind.text("Zip") == "Image" {
		r.complain(kind.line(), "function %s: cannot run a container image: set PackageType: Zip", f.Name)
		return
	}
	f.Runtime = r.runtime(f, property("Runtime"), "")
	r.samCode(&f, property(code), property("InlineCode"))
	f.Handler = r.handler(f, property("Handler"), "")
	f.MemoryMB = property("MemorySize").number(1, 128)
	f.Timeout = property("Timeout").seconds(3)
	f.Env = r.env(globals.get("Environment", "Variables"), properties.get("Environment", "Variables"))
	f.Concurrency = r.reserved(f, property("ReservedConcurrentExecutions"))
	r.undone(f, globals, samUndone)
	r.undone(f, properties, samUndone)
	r.build(f, p.value)
	r.samEvents(&f, properties, property("FunctionUrlConfig"))
	r.add(f)
}

// samCode reads the place of the code: a path, or a place in S3.
func (r *reader) samCode(f *Function, v, inline value) {
	switch {
	case inline.given() || v.is(yaml.MappingNode) && v.get("ZipFile").given():
		r.complain(v.or(inline).line(), "function %s: cannot run inline code: set %s to a folder or a zip", f.Name, v.name)
	case v.is(yaml.MappingNode) && (v.get("S3Bucket").given() || v.get("Bucket").given()):
		r.remote(*f, v, "S3", v.name)
	case !v.given():
		r.complain(f.Line, "function %s has no %s: set %s to a folder or a zip", f.Name, v.name, v.name)
	default:
		f.Code = r.code(*f, v)
	}
}

// build notes what happens to a resource before and while SAM deploys it.
func (r *reader) build(f Function, resource value) {
	if method := resource.get("Metadata", "BuildMethod"); method.given() {
		r.note(method.line(), "function %s: BuildMethod %s is not run: the code is used as it is", f.Name, method.text(""))
	}
	if condition := resource.get("Condition"); condition.given() {
		r.note(condition.line(), "function %s: its condition is not evaluated", f.Name)
	}
}

// urlName is the name by which the local API of Lambda finds a function URL.
const urlName = "function-url"

// samEvents reads the events and the URL of a function.
func (r *reader) samEvents(f *Function, properties, url value) {
	for _, p := range properties.get("Events").pairs() {
		r.samEvent(f, p)
	}
	if url.given() {
		r.http(f, Trigger{
			Name: urlName, Enabled: true, Line: url.line(),
			Gateway: "url", Path: AnyPath, Method: "ANY", Stage: AnyPath, Integrated: true,
		})
	}
}

// samEvent reads one event.
func (r *reader) samEvent(f *Function, p pair) {
	properties := p.get("Properties")
	t := Trigger{Name: p.key, Enabled: true, Line: p.line, Integrated: true}
	switch kind := p.get("Type").text(""); kind {
	case "Api":
		t.Gateway, t.Stage = "aws-v1", "Prod" // the stage of the API that SAM creates
		t.Path, t.Method = properties.get("Path").text("/"), properties.get("Method").text("ANY")
		r.http(f, t)
	case "HttpApi":
		t.Gateway, t.Stage = "aws-v2", AnyPath
		if properties.get("PayloadFormatVersion").text("2.0") == "1.0" {
			t.Gateway = "aws-v1"
		}
		t.Path, t.Method = properties.get("Path").text(AnyPath), properties.get("Method").text("ANY")
		r.http(f, t)
	case "Schedule", "ScheduleV2":
		r.samSchedule(f, t, properties)
	default:
		r.ignored(f, p.line, kind)
	}
}

// samSchedule reads a schedule of EventBridge or of EventBridge Scheduler.
func (r *reader) samSchedule(f *Function, t Trigger, properties value) {
	t.Name = properties.get("Name").text(t.Name)
	t.Enabled = properties.get("Enabled").flag(true) && !strings.HasPrefix(properties.get("State").text(""), "DISABLED")
	t.Argument = properties.get("Input").message()
	if zone := properties.get("ScheduleExpressionTimezone"); zone.given() {
		r.note(zone.line(), "function %s: the time zone is not applied: the schedule is in UTC", f.Name)
	}
	r.timer(f, t, properties.get("Schedule").or(properties.get("ScheduleExpression")))
}
