package api

import (
	"cmp"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"bootstrap/cmd/bootstrapctl/internal/local"
	"bootstrap/cmd/bootstrapctl/internal/local/localtest"
	"bootstrap/protocol"
)

func TestMain(m *testing.M) { localtest.Main(m) }

// serve serves functions with their names and settings.
func serve(t *testing.T, functions ...local.Settings) (base string, cloud *local.Cloud) {
	t.Helper()
	cloud = localtest.New(t, local.Options{Retries: []time.Duration{}})
	for _, s := range functions {
		s.Timeout = cmp.Or(s.Timeout, time.Minute)
		if _, err := cloud.Create(s, local.Code{Path: t.TempDir()}); err != nil {
			t.Fatal(err)
		}
	}
	server := httptest.NewServer(New(cloud, Options{Hosts: []string{"dev.example"}}))
	t.Cleanup(server.Close)
	return server.URL, cloud
}

// A sent is a request and its result.
type sent struct {
	method, path, body string
	header             []string // "Name: value"; Host sets the host
}

func (s sent) do(t *testing.T, base string) (status int, header http.Header, body string) {
	t.Helper()
	request, err := http.NewRequest(s.method, base+s.path, strings.NewReader(s.body))
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range s.header {
		name, value, _ := strings.Cut(line, ": ")
		if request.Header.Add(name, value); name == "Host" {
			request.Host = value
		}
	}
	response, err := http.DefaultTransport.RoundTrip(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, response.Header, string(text)
}

// Requests that a page in a browser can send to this address are refused, and
// nothing runs. Requests of programs are answered.
func TestHostilePage(t *testing.T) {
	base, cloud := serve(t, local.Settings{Name: "hello", Platform: protocol.Lambda})
	const invoke = "/2015-03-31/functions/hello/invocations"
	page, old := "Sec-Fetch-Site: same-origin", "User-Agent: Mozilla/5.0 (X11) Firefox/60.0"
	form, text := "Content-Type: application/x-www-form-urlencoded", "Content-Type: text/plain;charset=UTF-8"
	for _, test := range []struct {
		sent
		want int
	}{
		{sent{"POST", "/", "{}", []string{"Origin: https://evil.example"}}, 403},
		{sent{"POST", "/", "{}", []string{"Origin: null"}}, 403}, // a sandboxed frame, or a file
		{sent{"POST", "/", "{}", []string{"Sec-Fetch-Site: cross-site"}}, 403},
		{sent{"POST", "/", "{}", []string{"Sec-Fetch-Site: same-site"}}, 403}, // another port of this machine
		{sent{"GET", "/apigw/hello/", "", []string{"Sec-Fetch-Site: cross-site", "Sec-Fetch-Mode: no-cors"}}, 403},
		{sent{"GET", "/_local/functions", "", []string{"Host: evil.example"}}, 403}, // DNS rebinding
		{sent{"GET", "/_local/functions", "", []string{"Host: localhost.evil.example"}}, 403},
		{sent{"OPTIONS", "/", "", []string{"Origin: https://evil.example", "Access-Control-Request-Method: POST"}}, 403},
		{sent{"POST", "/2015-03-31/functions", `{"FunctionName":"evil"}`, []string{text}}, 403},
		{sent{"POST", "/2015-03-31/functions", `{"FunctionName":"evil"}`, []string{form}}, 403},
		{sent{"POST", "/v2/0/fgs/functions", `{"func_name":"evil"}`, []string{text}}, 403},
		{sent{"POST", "/", `{"FunctionName":"evil"}`, []string{text, "X-TC-Action: CreateFunction"}}, 403},
		{sent{"POST", "/", "Action=CreateFunction&FunctionName=evil", []string{form, "Origin: https://evil.example"}}, 403},
		{sent{"GET", "/apigw/hello/", "", []string{"Origin: https://evil.example", "Connection: Upgrade", "Upgrade: websocket"}}, 403},
		{sent{"POST", "/2015-03-31/functions", `{"FunctionName":"evil"}`, []string{"Content-Type: text/plain; x"}}, 403},
		{sent{"POST", "/v2/invocations/fgs/functions", `{"func_name":"evil"}`, []string{text}}, 403},
		{sent{"POST", "/2015-03-31/functions", `{"FunctionName":"evil"}`, []string{"Content-Type: application/json", page}}, 403}, // of a function
		{sent{"DELETE", "/2015-03-31/functions/hello", "", []string{page}}, 403},
		{sent{"POST", invoke, "{}", []string{page}}, 403},
		{sent{"GET", "/?FunctionName=hello", "", []string{"X-TC-Action: DeleteFunction", "X-TC-Version: 2018-04-16", page}}, 403},
		{sent{"GET", "/apigw/hello/", "", []string{old}}, 403}, // an image
		{sent{"GET", "/apigw/hello/", "", []string{old, "Referer: https://evil.example/"}}, 403},
		{sent{"POST", "/", "{}", []string{old, text}}, 403}, // a form
		{sent{"POST", "/_local/functions/hello/timers/x", "", []string{old}}, 403},

		{sent{"POST", "/", "{}", []string{form}}, 200}, // curl -d
		{sent{"GET", "/_local/functions", "", []string{old}}, 200},
		{sent{"POST", "/", "{}", []string{old, "Host: 10.0.0.1:9000", "Referer: http://10.0.0.1:9000/"}}, 200},
		{sent{"POST", "/", "{}", []string{"User-Agent: Mozilla/5.0 (Linux) PowerShell/7.4.0"}}, 200},
		{sent{"GET", "/_local/functions", "", []string{"Host: DEV.example"}}, 200},
		{sent{"POST", invoke, "{}", []string{form}}, 200},
		{sent{"GET", "/_local/functions", "", []string{"Sec-Fetch-Site: none"}}, 200}, // typed into the address bar
		{sent{"GET", "/_local/functions", "", []string{"Host: localhost:9000"}}, 200},
		{sent{"GET", "/_local/functions", "", []string{"Host: scf.localhost:9000"}}, 200},
		{sent{"GET", "/_local/functions", "", []string{"Host: [::1]:9000"}}, 200},
		{sent{"GET", "/_local/functions", "", []string{"Host: dev.example"}}, 200},
		{sent{"POST", "/", "{}", []string{"Host: localhost:9000", "Origin: http://localhost:9000", "Sec-Fetch-Site: same-origin"}}, 200},
	} {
		status, header, body := test.do(t, base)
		if status != test.want {
			t.Errorf("%s %s %q: got %d %s, want %d", test.method, test.path, test.header, status, body, test.want)
		}
		for name := range header {
			if strings.HasPrefix(name, "Access-Control-") {
				t.Errorf("%s %s %q: the answer has %s", test.method, test.path, test.header, name)
			}
		}
	}
	if n := len(cloud.Functions(nil)); n != 1 {
		t.Errorf("there are %d functions, expected 1", n)
	}
}

// A plain event goes to the only function, or to the one that is named.
func TestPlain(t *testing.T) {
	one, _ := serve(t, local.Settings{Name: "hello", Platform: protocol.SCF})
	two, _ := serve(t, local.Settings{Name: "a", Platform: protocol.SCF}, local.Settings{Name: "b", Platform: protocol.Lambda})
	none, _ := serve(t)
	for _, test := range []struct {
		base, path, event string
		status            int
		want              string
	}{
		{one, "/", `{"n":1}`, 200, `{"n":1}`},
		{one, "/", ``, 200, `{}`},
		{one, "/", `{"fail":"no"}`, 500, `"errorMessage":"no"`},
		{one, "/", `x`, 500, `"statusCode":400`},
		{one, "/?function=x", `{}`, 404, `there is no function "x": expected one of hello`},
		{two, "/", `{}`, 404, `/?function=a (a, b)`},
		{two, "/?function=b", `{"n":2}`, 200, `{"n":2}`},
		{none, "/", `{}`, 404, `there is no function`},
		{one, "/", strings.Repeat("1", 7<<20), 413, `the event is too large`},
	} {
		status, header, body := sent{"POST", test.path, test.event, nil}.do(t, test.base)
		if status != test.status || !strings.Contains(body, test.want) {
			t.Errorf("%s %.20s: got %d %.200s, want %d %s", test.path, test.event, status, body, test.status, test.want)
		}
		if isJSON := header.Get("Content-Type") == "application/json"; isJSON != json.Valid([]byte(body)) {
			t.Errorf("%s %.20s: the type is %s", test.path, test.event, header.Get("Content-Type"))
		}
	}
}

// The platform's own paths show functions and invocations, also asynchronous ones, and
// fire timers.
func TestOwn(t *testing.T) {
	base, _ := serve(t, local.Settings{Name: "hello", Platform: protocol.SCF, Triggers: []local.Trigger{
		{Kind: "timer", Name: "daily", Cron: "0 0 0 * * * *", Argument: "wake up"}}})
	status, _, body := sent{"POST", "/_local/functions/hello/timers/daily", "", nil}.do(t, base)
	var fired struct{ RequestID string }
	if err := json.Unmarshal([]byte(body), &fired); err != nil || status != 200 {
		t.Fatalf("got %d %s", status, body)
	}
	for began := time.Now(); ; time.Sleep(time.Millisecond) {
		_, _, body = sent{"GET", "/_local/functions/hello/invocations/" + fired.RequestID, "", nil}.do(t, base)
		if strings.Contains(body, `"status": "succeeded"`) {
			break
		}
		if time.Since(began) > 20*time.Second {
			t.Fatalf("the invocation did not succeed: %s", body)
		}
	}
	if !strings.Contains(body, `\"TriggerName\":\"daily\"`) || !strings.Contains(body, `\"Message\":\"wake up\"`) {
		t.Errorf("the event is not in %s", body)
	}
	for path, want := range map[string]string{
		"/_local/functions":                   `"name": "hello"`,
		"/_local/functions/hello/invocations": fired.RequestID,
		"/":                                   "hello",
	} {
		if status, _, body := (sent{"GET", path, "", nil}).do(t, base); status != 200 || !strings.Contains(body, want) {
			t.Errorf("%s: got %d %s", path, status, body)
		}
	}
	for _, missing := range []sent{
		{"POST", "/_local/functions/hello/timers/weekly", "", nil}, {"POST", "/_local/functions/x/timers/daily", "", nil},
		{"GET", "/_local/functions/hello/invocations/x", "", nil}, {"GET", "/_local/x", "", nil}, {"GET", "/x", "", nil},
	} {
		if status, _, body := missing.do(t, base); status != 404 {
			t.Errorf("%s: got %d %s", missing.path, status, body)
		}
	}
}

// A trigger gets the requests for its path, and its answers have the form of its
// gateway.
func TestTriggers(t *testing.T) {
	base, _ := serve(t,
		local.Settings{Name: "v1", Platform: protocol.Lambda, Triggers: []local.Trigger{
			{Kind: "http", Enabled: true, Gateway: "aws-v1", Method: "GET", Path: "/pets/{id}", Integrated: true, Stage: "prod"},
			{Kind: "http", Enabled: true, Gateway: "aws-v1", Method: "ANY", Path: "/files/{path+}", Integrated: true},
			{Kind: "http", Enabled: false, Gateway: "aws-v1", Method: "ANY", Path: "/off", Integrated: true}}},
		local.Settings{Name: "scf", Platform: protocol.SCF, Triggers: []local.Trigger{
			{Kind: "http", Enabled: true, Gateway: "scf", Method: "ANY", Path: "/plain"},
			{Kind: "http", Enabled: true, Gateway: "scf", Method: "ANY", Path: "/", Stage: "release"},
			{Kind: "http", Enabled: true, Gateway: "scf", Method: "ANY", Path: "/integrated", Integrated: true},
			{Kind: "http", Enabled: true, Gateway: "scf", Method: "POST", Path: "/base64", Base64: true}}},
		local.Settings{Name: "fg", Platform: protocol.FunctionGraph},
		local.Settings{Name: "v2", Platform: protocol.Lambda, Triggers: []local.Trigger{
			{Kind: "http", Enabled: true, Gateway: "aws-v2", Method: "ANY", Path: "/any", Integrated: true},
			{Kind: "http", Enabled: true, Gateway: "aws-v2", Method: "GET", Path: "/get", Integrated: true}}},
	)
	for _, test := range []struct {
		method, path, body string
		status             int
		want               string
	}{
		{"GET", "/pets/7", "", 502, "Internal server error"}, // the echoed event has no statusCode
		{"GET", "/apigw/v1/pets/7", "", 502, "Internal server error"},
		{"GET", "/prod/pets/7", "", 502, "Internal server error"},
		{"POST", "/pets/7", "", 404, ""},
		{"GET", "/pets/7/8", "", 404, ""},
		{"GET", "/off", "", 404, ""},
		{"GET", "/apigw/none/", "", 404, ""},
		{"PUT", "/files/a/b%2Fc", "", 502, "Internal server error"},
		{"GET", "/plain?a=1&a=2", "", 200, `"httpMethod":"GET"`},
		{"GET", "/release", "", 200, `"path":"/"`},
		{"GET", "/releases", "", 404, ""},
		{"GET", "/apigw/scf/other", "", 200, `"path":"/other"`},
		{"GET", "/integrated", "", 403, "Invalid scf response format"},
		{"POST", "/base64", "text", 200, `"body":"dGV4dA=="`},
		{"POST", "/apigw/fg/x", "text", 500, "FSS.1206"},
		{"GET", "/apigw/v2/x?y=%20", "", 200, `"rawQueryString":"y=%20"`},
		{"PUT", "/any", "", 200, `"routeKey":"ANY /any"`},
		{"GET", "/get", "", 200, `"routeKey":"GET /get"`},
		{"GET", "/apigw/v2/", "", 200, `"routeKey":"$default"`},
	} {
		status, _, body := sent{test.method, test.path, test.body, nil}.do(t, base)
		if status != test.status || !strings.Contains(body, test.want) {
			t.Errorf("%s %s: got %d %.300s, want %d %s", test.method, test.path, status, body, test.status, test.want)
		}
	}
}

// The most specific trigger gets a request, whichever was made first.
func TestMostSpecific(t *testing.T) {
	http := func(method, path string) local.Trigger {
		return local.Trigger{Kind: "http", Enabled: true, Gateway: "scf", Method: method, Path: path, Stage: method + path}
	}
	base, _ := serve(t,
		local.Settings{Name: "a", Platform: protocol.SCF, Triggers: []local.Trigger{
			http("ANY", anyPath), http("ANY", "/{proxy+}"), http("ANY", "/pets/{id}"), http("ANY", "/pets/new"), http("GET", "/pets/{id}"), http("GET", "/health")}},
		local.Settings{Name: "b", Platform: protocol.SCF, Triggers: []local.Trigger{http("GET", "/pets/first")}},
	)
	for _, test := range []struct{ method, path, want string }{
		{"GET", "/health", `"stage":"GET/health"`},
		{"POST", "/health", `"stage":"ANY/{proxy+}"`},
		{"GET", "/apigw/a/health", `"stage":"GET/health"`},
		{"GET", "/pets/new", `"stage":"ANY/pets/new"`},
		{"GET", "/pets/first", `"stage":"GET/pets/first"`},
		{"GET", "/pets/7", `"stage":"GET/pets/{id}"`},
		{"PUT", "/pets/7", `"stage":"ANY/pets/{id}"`},
		{"GET", "/pets/7/8", `"stage":"ANY/{proxy+}"`},
		{"GET", "/", "This is bootstrapctl local"},
		{"GET", "/apigw/a/", `"stage":"ANY$default"`},
	} {
		if status, _, body := (sent{test.method, test.path, "", nil}).do(t, base); !strings.Contains(body, test.want) {
			t.Errorf("%s %s: got %d %s, want %s", test.method, test.path, status, body, test.want)
		}
	}
}

// Plain and encrypted requests come to the same port, at the same time as a connection
// that sends nothing.
func TestTLS(t *testing.T) {
	certificate, pem, err := NewCertificate([]string{"dev.example", "192.0.2.1", "2001:db8::1"})
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(certificate.Certificate[0])
	if err != nil {
		t.Fatal(err)
	}
	for _, host := range []string{"dev.example", "a.localhost", "192.0.2.1", "2001:db8::1", "127.0.0.1"} {
		if err := leaf.VerifyHostname(host); err != nil {
			t.Error(err)
		}
	}
	tcp, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	cloud := localtest.New(t, local.Options{})
	server := &http.Server{Handler: New(cloud, Options{Certificate: pem})}
	done := make(chan error, 1)
	go func() { done <- server.Serve(Listen(tcp, certificate)) }()
	t.Cleanup(func() { server.Close(); <-done })
	silent, err := net.Dial("tcp", tcp.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(pem)
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}}}
	defer client.CloseIdleConnections()
	for _, url := range []string{"http://" + tcp.Addr().String(), "https://" + tcp.Addr().String(), fmt.Sprintf("https://localhost:%d", tcp.Addr().(*net.TCPAddr).Port)} {
		response, err := client.Get(url + "/_local/certificate.pem")
		if err != nil {
			t.Errorf("%s: %v", url, err)
			continue
		}
		body, _ := io.ReadAll(response.Body)
		response.Body.Close()
		if string(body) != string(pem) {
			t.Errorf("%s: got %s", url, body)
		}
	}
}
