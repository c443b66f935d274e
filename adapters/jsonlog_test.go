package adapters

import (
	"encoding/json"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"bootstrap/supervisor"
)

// object parses a JSON object.
func object(t *testing.T, text string) (o map[string]any) {
	t.Helper()
	if err := json.Unmarshal([]byte(text), &o); err != nil {
		t.Fatalf("got %q: %v", text, err)
	}
	return o
}

// logsObjects checks that an event logs these objects, one on each line. Each
// object must also have a timestamp. Of a stack trace it only checks whether there
// is one.
func logsObjects(t *testing.T, log string, want []string) {
	t.Helper()
	lines := strings.SplitAfter(log, "\n")
	if len(lines) != len(want)+1 {
		t.Fatalf("got the log %q, want %d lines", log, len(want))
	}
	for i, text := range want {
		got, want := object(t, lines[i]), object(t, text)
		if at, _ := got["timestamp"].(string); !regexp.MustCompile(`^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$`).MatchString(at) {
			t.Errorf("got the timestamp %v", got["timestamp"])
		}
		if stack, _ := got["stackTrace"].([]any); (len(stack) > 0) != (want["stackTrace"] != nil) {
			t.Errorf("got the stack %v of %s", stack, text)
		}
		for _, key := range []string{"timestamp", "stackTrace", "location"} {
			delete(got, key)
		}
		delete(want, "stackTrace")
		if !reflect.DeepEqual(got, want) {
			t.Errorf("got %v, want %v", got, want)
		}
	}
}

// A jsonHost is a host whose log is JSON.
type jsonHost struct {
	supervisor.Adapter
	stdout, stderr *hook
}

func startJSONHost(t *testing.T, interpreter string, fs files, level string) jsonHost {
	t.Helper()
	c, log := module(t, interpreter, fs)
	errors := &hook{}
	c.LogFormat, c.Stderr = "json", errors
	if level != "" {
		c.Environ = append(c.Environ, "AWS_LAMBDA_LOG_LEVEL="+level)
	}
	return jsonHost{start(t, c), log, errors}
}

// Where the log is JSON, what has a level is written as Lambda's runtimes write
// it: our log only completes such lines.
func TestJSONLog(t *testing.T) {
	type row struct {
		name, level, code string
		want              []string
	}
	for _, language := range []struct {
		name, interpreter, file, text string
		tests                         []row
	}{
		{"Python", "python3", "index.py", "def main_handler(event, context): exec(compile(event, '<event>', 'exec'), {'context': context})", []row{
			{"a warning", "", "import logging; logging.warning('a %d', 1); logging.info('no')", []string{`{"level":"WARNING","message":"a 1","logger":"root","requestId":"id-1"}`}},
			{"a logger of its own", "", "import logging; log = logging.getLogger('my.own'); log.error('世界\\n\"')", []string{`{"level":"ERROR","message":"世界\n\"","logger":"my.own","requestId":"id-1"}`}},
			{"an exception", "", "import logging\ntry: 1/0\nexcept Exception: logging.exception('a')", []string{`{"level":"ERROR","message":"a","logger":"root","requestId":"id-1","errorType":"ZeroDivisionError","errorMessage":"division by zero","stackTrace":[]}`}},
			{"an exception that is not there", "", "import logging; logging.error('a', exc_info=True)", []string{`{"level":"ERROR","message":"a","logger":"root","requestId":"id-1"}`}},
			{"more", "", "import logging; logging.error('a', extra={'order': 7, 'level': 'no', 'what': {1}})", []string{`{"level":"ERROR","message":"a","logger":"root","requestId":"id-1","order":7,"what":"{1}"}`}},
			{"a level of its own", "", "import logging; logging.log(37, 'a')", []string{`{"level":"WARNING","message":"a","logger":"root","requestId":"id-1"}`}},
			{"the least level", "debug", "import logging; logging.debug('a'); logging.log(5, 'no')", []string{`{"level":"DEBUG","message":"a","logger":"root","requestId":"id-1"}`}},
			{"TRACE", "TRACE", "import logging; logging.debug('a')", []string{`{"level":"DEBUG","message":"a","logger":"root","requestId":"id-1"}`}},
			{"FATAL", "FATAL", "import logging; logging.error('no'); logging.critical('a')", []string{`{"level":"CRITICAL","message":"a","logger":"root","requestId":"id-1"}`}},
			{"FunctionGraph's", "", "context.getLogger().info('a')", []string{`{"level":"INFO","message":"a","logger":"functiongraph","requestId":"id-1"}`}},
		}},
		{"Node", "node", "index.js", nodeEvaluate, []row{
			{"log", "", "console.log('a %d', 1); console.info('b')", []string{`{"level":"INFO","message":"a 1","requestId":"id-1"}`, `{"level":"INFO","message":"b","requestId":"id-1"}`}},
			{"all levels", "", "for (const l of ['trace', 'debug', 'info', 'warn', 'error', 'fatal']) console[l](l)", []string{
				`{"level":"TRACE","message":"trace","requestId":"id-1"}`, `{"level":"DEBUG","message":"debug","requestId":"id-1"}`, `{"level":"INFO","message":"info","requestId":"id-1"}`,
				`{"level":"WARN","message":"warn","requestId":"id-1"}`, `{"level":"ERROR","message":"error","requestId":"id-1"}`, `{"level":"FATAL","message":"fatal","requestId":"id-1"}`}},
			{"lines", "", "console.log('世界\\n\"')", []string{`{"level":"INFO","message":"世界\n\"","requestId":"id-1"}`}},
			{"an object", "", "console.warn({ a: [1] })", []string{`{"level":"WARN","message":{"a":[1]},"requestId":"id-1"}`}},
			{"not JSON", "", "const a = {}; a.a = a; console.log(a); console.log(1n)", []string{`{"level":"INFO","message":"<ref *1> { a: [Circular *1] }","requestId":"id-1"}`, `{"level":"INFO","message":"1n","requestId":"id-1"}`}},
			{"nothing", "", "console.log()", []string{`{"level":"INFO","requestId":"id-1"}`}},
			{"an error beside", "", "console.error('a', 1, new RangeError('b'))", nil},
			{"the least level", "warn", "console.log('no'); console.warn('a')", []string{`{"level":"WARN","message":"a","requestId":"id-1"}`}},
			{"FunctionGraph's", "", "context.getLogger().warn('a'); context.log('b')", []string{`{"level":"INFO","message":"b","requestId":"id-1"}`, `{"level":"WARN","message":"a","requestId":"id-1"}`}},
		}},
	} {
		hosts := map[string]jsonHost{}
		for _, test := range language.tests {
			if _, ok := hosts[test.level]; !ok {
				hosts[test.level] = startJSONHost(t, language.interpreter, files{language.file: language.text}, test.level)
			}
			t.Run(language.name+" "+test.name, func(t *testing.T) {
				h := hosts[test.level]
				log := h.stdout
				h.stdout.Reset()
				h.stderr.Reset()
				succeeds(t, h.Adapter, quoted(test.code), "null")
				log.Write(h.stderr.Bytes())
				if test.want == nil { // its message holds a stack
					got := object(t, log.String())
					if message, _ := got["message"].(string); !strings.HasPrefix(message, "a 1 RangeError: b\n    at ") {
						t.Errorf("got the message %v", got["message"])
					}
					got["message"] = ""
					text, _ := json.Marshal(got)
					log.Reset()
					log.Write(append(text, '\n'))
					test.want = []string{`{"level":"ERROR","message":"","requestId":"id-1","errorType":"RangeError","errorMessage":"b","stackTrace":[]}`}
				}
				logsObjects(t, log.String(), test.want)
			})
		}
	}
}

// An error is an object, too. What a module logs while it is being loaded belongs to
// no event.
func TestJSONLogOfErrors(t *testing.T) {
	c, log := node(t, "console.warn('loaded'); exports.main_handler = async () => { const e = new TypeError('a'); e.code = 7; console.error(e); throw new RangeError('b\\nc'); };")
	c.LogFormat = "json"
	failure := raises(t, start(t, c), "", "RangeError", "b\nc")
	lines := strings.SplitAfter(log.String(), "\n")
	logsObjects(t, lines[0], []string{`{"level":"WARN","message":"loaded"}`})
	message, _ := object(t, lines[1])["message"].(map[string]any)
	if stack, _ := message["stackTrace"].([]any); len(stack) == 0 || message["errorType"] != "TypeError" || message["errorMessage"] != "a" || message["code"] != 7.0 {
		t.Errorf("got the message %v", message)
	}
	logsObjects(t, lines[2], []string{`{"level":"ERROR","requestId":"id-1","errorType":"RangeError","errorMessage":"b\nc","message":` + quoted(strings.Join(failure.Stack, "\n")) + `}`})

	c, log = python(t, "def main_handler(event, context): raise KeyError('b\\nc')")
	c.LogFormat = "json"
	failure = raises(t, start(t, c), "", "KeyError", `'b\nc'`)
	logsObjects(t, log.String(), []string{`{"level":"ERROR","requestId":"id-1","errorType":"KeyError","errorMessage":"'b\\nc'","message":` + quoted(strings.Join(failure.Stack, "\n")) + `}`})
}
