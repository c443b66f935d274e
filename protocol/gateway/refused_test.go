package gateway

import (
	"errors"
	"fmt"
	"net/textproto"
	"reflect"
	"strings"
	"testing"
)

// The responses of the gateways to an answer that they refuse, as show prints them.
const (
	refusedByV1  = `502 application/json {"message":"Internal server error"}`
	refusedByV2  = `500 application/json {"message":"Internal Server Error"}`
	refusedByALB = "502 text/html <html>\r\n<head><title>502 Bad Gateway</title></head>\r\n<body>\r\n" +
		"<center><h1>502 Bad Gateway</h1></center>\r\n</body>\r\n</html>\r\n"
	refusedBySCF = `403 application/json {"errno":403,"error":"Invalid scf response format. please check your scf response format."}`
	noStatusInFG = `500 application/json {"error_code":"FSS.1206","error_msg":"'statusCode' of APIG trigger invocation result not specified, statusCode can not be 0"}`
)

// refusedByFG returns APIG's response to an answer of the wrong type, which is given
// as it stands in a JSON string.
func refusedByFG(answer string) string {
	return `500 application/json {"error_code":"FSS.1206","error_msg":"invalid type of APIG trigger invocation result:[` + answer +
		`], type format must be: {\"statusCode\":200,\"isBase64Encoded\":false,\"headers\":{},\"body\":\"\"}"}`
}

// show returns a response as one text.
func show(r *Response) string {
	return fmt.Sprintf("%d %s %s", r.Status, r.Header.Get("Content-Type"), r.Body)
}

// TestAnswersWithoutEnvelope checks what each gateway makes of an answer that has no
// statusCode. An entry that begins with 200 is not an error.
func TestAnswersWithoutEnvelope(t *testing.T) {
	for answer, want := range map[string]map[string]string{
		`hello`: {
			"aws-v1": refusedByV1, "aws-v2": refusedByV2, "alb": refusedByALB, "alb-multi": refusedByALB, "scf": refusedBySCF,
			"scf-url": "200 text/plain; charset=utf-8 hello", "functiongraph": refusedByFG(`hello`),
		},
		``: {
			"aws-v1": refusedByV1, "aws-v2": refusedByV2, "alb": refusedByALB, "alb-multi": refusedByALB, "scf": refusedBySCF,
			"scf-url": "200 text/plain; charset=utf-8 ", "functiongraph": refusedByFG(``),
		},
		`"hello"`: {
			"aws-v1": refusedByV1, "aws-v2": "200 application/json hello", "alb": refusedByALB, "alb-multi": refusedByALB, "scf": refusedBySCF,
			"scf-url": `200 application/json "hello"`, "functiongraph": refusedByFG(`\"hello\"`),
		},
		`[1, 2]`: {
			"aws-v1": refusedByV1, "aws-v2": "200 application/json [1, 2]", "alb": refusedByALB, "alb-multi": refusedByALB, "scf": refusedBySCF,
			"scf-url": "200 application/json [1, 2]", "functiongraph": refusedByFG(`[1, 2]`),
		},
		`{"name": "Ada"}`: {
			"aws-v1": refusedByV1, "aws-v2": `200 application/json {"name": "Ada"}`, "alb": refusedByALB, "alb-multi": refusedByALB,
			"scf": refusedBySCF, "scf-url": `200 application/json {"name": "Ada"}`, "functiongraph": noStatusInFG,
		},
		`{"statusCode": null, "body": "x"}`: {
			"aws-v1": refusedByV1, "aws-v2": `200 application/json {"statusCode": null, "body": "x"}`, "alb": refusedByALB,
			"alb-multi": refusedByALB, "scf": refusedBySCF, "scf-url": `200 application/json {"statusCode": null, "body": "x"}`,
			"functiongraph": noStatusInFG,
		},
	} {
		for _, g := range All {
			if want[g.Name] == "" {
				t.Errorf("%s: no expectation for %s", answer, g.Name)
			}
			checkAnswer(t, g, answer, want[g.Name])
		}
	}
}

// TestMalformedEnvelopes checks that no gateway accepts an envelope with a field of
// the wrong type.
func TestMalformedEnvelopes(t *testing.T) {
	for _, answer := range []string{
		`{"statusCode": "200", "body": ""}`, `{"statusCode": 200.5}`, `{"statusCode": true}`, `{"statusCode": 99}`, `{"statusCode": 600}`,
		`{"statusCode": -1}`, `{"statusCode": 1e2}`, `{"statusCode": 99999999999999999999}`, `{"statusCode": [200]}`,
		`{"statusCode": 200, "body": {"a": 1}}`, `{"statusCode": 200, "body": 1}`, `{"statusCode": 200, "body": ["x"]}`,
		`{"statusCode": 200, "isBase64Encoded": "true", "body": "eA=="}`, `{"statusCode": 200, "isBase64Encoded": 1}`,
		`{"statusCode": 200, "isBase64Encoded": true, "body": "not base64"}`, `{"statusCode": 200, "isBase64Encoded": true, "body": "eA"}`,
	} {
		quoted := strings.ReplaceAll(answer, `"`, `\"`)
		want := map[string]string{
			"aws-v1": refusedByV1, "aws-v2": refusedByV2, "alb": refusedByALB, "alb-multi": refusedByALB,
			"scf": refusedBySCF, "scf-url": refusedBySCF, "functiongraph": refusedByFG(quoted),
		}
		for _, g := range All {
			checkAnswer(t, g, answer, want[g.Name])
		}
	}
	checkAnswer(t, FunctionGraph, `{"statusCode": 0, "body": ""}`, noStatusInFG)
}

// TestMalformedHeaders checks the objects with headers, which each gateway reads under
// keys of its own.
func TestMalformedHeaders(t *testing.T) {
	for _, value := range []string{
		`"x"`, `[]`, `{"X": {}}`, `{"X": [{}]}`, `{"X": [["y"]]}`, `{"": "y"}`, `{"X Y": "z"}`, `{"X": "a\r\nY: b"}`, `{"X": "a\u0000"}`,
	} {
		for _, g := range All {
			for _, key := range []string{g.answer.read.single, g.answer.read.lists} {
				if key == "" {
					continue
				}
				answer := fmt.Sprintf(`{"statusCode": 200, %q: %s}`, key, value)
				if _, err := g.Response([]byte(answer), false); !errors.As(err, new(*AnswerError)) {
					t.Errorf("%s: %s: got the error %v, want an AnswerError", g.Name, answer, err)
				}
			}
		}
	}
	checkAnswer(t, AWSv1, `{"statusCode": 200, "headers": {"X": ["y"]}}`, refusedByV1)
	checkAnswer(t, AWSv1, `{"statusCode": 200, "multiValueHeaders": {"X": "y"}}`, refusedByV1)
	checkAnswer(t, AWSv2, `{"statusCode": 200, "headers": {"X": ["y"]}}`, refusedByV2)
	checkAnswer(t, AWSv2, `{"statusCode": 200, "cookies": "a=1"}`, refusedByV2)
	checkAnswer(t, AWSv2, `{"statusCode": 200, "cookies": {"a": 1}}`, refusedByV2)
	checkAnswer(t, AWSv2, `{"statusCode": 200, "cookies": ["a=1\r\nX: y"]}`, refusedByV2)
}

// checkAnswer compares the response to an answer with a text. All but 200 are errors.
func checkAnswer(t *testing.T, g *Gateway, answer, want string) {
	t.Helper()
	r, err := g.Response([]byte(answer), false)
	refused := !strings.HasPrefix(want, "200")
	var wrong *AnswerError
	if errors.As(err, &wrong) {
		r = wrong.Response
		if !strings.Contains(err.Error(), g.Title) || wrong.Cause == nil {
			t.Errorf("%s: the error %q does not name the gateway and the cause", g.Name, err)
		}
	}
	if got := show(r); got != want || refused != (wrong != nil) {
		t.Errorf("%s: %s: got %s, %v, want %s", g.Name, answer, got, err, want)
	}
}

// TestPassthrough checks that a trigger without envelopes sends the answer as it is.
func TestPassthrough(t *testing.T) {
	for _, answer := range []string{`Echoing request: 'x'`, `{"statusCode": 500, "body": "x"}`, ""} {
		r, err := SCF.Response([]byte(answer), true)
		if err != nil || show(r) != "200 application/json "+answer {
			t.Errorf("%s: got %v, %v", answer, r, err)
		}
	}
}

// TestAnswers checks answers as functions write them.
func TestAnswers(t *testing.T) {
	for _, test := range []struct {
		gateway *Gateway
		answer  string
		want    Response
	}{
		{AWSv1, `{"statusCode": 200}`, Response{Status: 200, Header: textproto.MIMEHeader{}}},
		{AWSv1, `{"statusCode": 200, "headers": {"x-a": "1", "X-N": 5, "X-T": true, "X-Null": null}, "multiValueHeaders": {"X-A": ["1", "2"]}, "body": null}`,
			Response{Status: 200, Header: textproto.MIMEHeader{"X-A": {"1", "2"}, "X-N": {"5"}, "X-T": {"true"}}}},
		{AWSv2, `{"statusCode": 200, "headers": {"Content-Type": "text/plain"}, "cookies": ["a=1", "b=2"], "body": "eA==", "isBase64Encoded": true}`,
			Response{Status: 200, Header: textproto.MIMEHeader{"Content-Type": {"text/plain"}, "Set-Cookie": {"a=1", "b=2"}}, Body: []byte("x")}},
		{AWSv2, `{"statusCode": 200, "multiValueHeaders": {"X-A": ["1", "2"]}}`, Response{Status: 200, Header: textproto.MIMEHeader{}}},
		{ALB, `{"statusCode": 200, "multiValueHeaders": {"X-A": ["1", "2"]}}`, Response{Status: 200, Header: textproto.MIMEHeader{}}},
		{ALBMulti, `{"statusCode": 200, "headers": {"X-A": "1"}}`, Response{Status: 200, Header: textproto.MIMEHeader{}}},
		{SCF, `{"isBase64Encoded": false, "statusCode": 200, "headers": {"Content-Type": "text/html", "Key": ["1", "2"]}, "body": "<p>"}`,
			Response{Status: 200, Header: textproto.MIMEHeader{"Content-Type": {"text/html"}, "Key": {"1", "2"}}, Body: []byte("<p>")}},
		{FunctionGraph, `{"statusCode": 200, "isBase64Encoded": true, "headers": {"Date": ["now"]}, "body": "SGk="}`,
			Response{Status: 200, Header: textproto.MIMEHeader{"Date": {"now"}}, Body: []byte("Hi")}},
		{SCF, `{"statusCode": 200, "": "a key without a name"}`, Response{Status: 200, Header: textproto.MIMEHeader{}}},
		{AWSv1, `{"statusCode": 204, "body": "ignored"}`, Response{Status: 204, Header: textproto.MIMEHeader{}}},
		{AWSv1, `{"statusCode": 304, "body": "ignored"}`, Response{Status: 304, Header: textproto.MIMEHeader{}}},
		{AWSv1, `{"statusCode": 200, "headers": {"Connection": "close", "Transfer-Encoding": "chunked", "Content-Length": "9"}, "body": "x"}`,
			Response{Status: 200, Header: textproto.MIMEHeader{}, Body: []byte("x")}},
	} {
		got, err := test.gateway.Response([]byte(test.answer), false)
		if err != nil || !reflect.DeepEqual(*got, test.want) {
			t.Errorf("%s: %s: got %+v, %v, want %+v", test.gateway.Name, test.answer, got, err, test.want)
		}
	}
}

// TestWrittenAnswers pins the envelopes that Answer writes.
func TestWrittenAnswers(t *testing.T) {
	r := &Response{Status: 200, Body: []byte("<x>"), Header: textproto.MIMEHeader{"Set-Cookie": {"a=1", "b=2"}, "Vary": {"c", "d"}, "Connection": {"close"}}}
	for name, want := range map[string]string{
		"aws-v1":        `{"body":"<x>","isBase64Encoded":false,"multiValueHeaders":{"Set-Cookie":["a=1","b=2"],"Vary":["c","d"]},"statusCode":200}`,
		"aws-v2":        `{"body":"<x>","cookies":["a=1","b=2"],"headers":{"Vary":"c, d"},"isBase64Encoded":false,"statusCode":200}`,
		"alb":           `{"body":"<x>","headers":{"Set-Cookie":"b=2","Vary":"c, d"},"isBase64Encoded":false,"multiValueHeaders":{"Set-Cookie":["a=1","b=2"],"Vary":["c","d"]},"statusCode":200,"statusDescription":"200 OK"}`,
		"scf":           `{"body":"<x>","headers":{"Set-Cookie":["a=1","b=2"],"Vary":["c","d"]},"isBase64Encoded":false,"statusCode":200}`,
		"functiongraph": `{"body":"<x>","headers":{"Set-Cookie":["a=1","b=2"],"Vary":["c","d"]},"isBase64Encoded":false,"statusCode":200}`,
	} {
		if got := string(must(Named(name).Answer(r))); got != want {
			t.Errorf("%s: got %s, want %s", name, got, want)
		}
	}
	for status, want := range map[int]string{
		204: `{"body":"","headers":{},"isBase64Encoded":false,"statusCode":204}`,
		304: `{"body":"","headers":{},"isBase64Encoded":false,"statusCode":304}`,
		299: `{"body":"x","headers":{},"isBase64Encoded":false,"statusCode":299}`,
	} {
		if got := string(must(SCF.Answer(&Response{Status: status, Body: []byte("x")}))); got != want {
			t.Errorf("%d: got %s, want %s", status, got, want)
		}
	}
	if got := description(299); got != "299" {
		t.Errorf("a status without a name: got %q", got)
	}
}

// TestAnswerToHEAD checks that the length of a body that is not sent is not claimed
// for the empty one.
func TestAnswerToHEAD(t *testing.T) {
	r := &Response{Status: 200, Header: textproto.MIMEHeader{"Content-Length": {"5"}, "Content-Type": {"text/plain"}}}
	want := `{"body":"","headers":{"Content-Type":"text/plain"},"isBase64Encoded":false,"statusCode":200}`
	if got := string(must(SCF.Answer(r))); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

// TestCannotWrite checks what Event and Answer refuse.
func TestCannotWrite(t *testing.T) {
	for _, r := range []Request{{Path: "/"}, {Method: "GET\r\n", Path: "/"}, {Method: "GET"}, {Method: "GET", Path: "x"}} {
		if _, err := AWSv1.Event(&r); err == nil || !strings.HasPrefix(err.Error(), "cannot write the event: ") {
			t.Errorf("%+v: got the error %v", r, err)
		}
	}
	for _, r := range []Response{{}, {Status: 600}, {Status: 200, Header: textproto.MIMEHeader{"X": {"a\nb"}}}, {Status: 200, Header: textproto.MIMEHeader{"X Y": {"a"}}}} {
		if _, err := AWSv1.Answer(&r); err == nil || !strings.HasPrefix(err.Error(), "cannot write the answer: ") {
			t.Errorf("%+v: got the error %v", r, err)
		}
	}
}

// TestMalformedEvents checks that an event of a gateway with a field of the wrong type
// is an error, and never half a request.
func TestMalformedEvents(t *testing.T) {
	for _, event := range []string{
		`{"requestContext": {"elb": {}}, "httpMethod": "GET", "path": "/", "headers": []}`,
		`{"requestContext": {"elb": {}}, "httpMethod": "GET", "path": "/", "headers": {"X": {}}}`,
		`{"requestContext": {"elb": {}}, "httpMethod": "GET", "path": "/", "headers": {"X": "a\r\nY: b"}}`,
		`{"requestContext": {"elb": {}}, "httpMethod": "GET", "path": "/", "headers": {"X:": "a"}}`,
		`{"requestContext": {"elb": {}}, "httpMethod": "GET", "path": "/", "queryStringParameters": "a=1"}`,
		`{"requestContext": {"elb": {}}, "httpMethod": "G T", "path": "/"}`,
		`{"requestContext": {"elb": {}}, "path": "/"}`,
		`{"requestContext": {"elb": {}}, "httpMethod": "GET", "path": "/", "body": {}}`,
		`{"requestContext": {"elb": {}}, "httpMethod": "GET", "path": "/", "body": "?", "isBase64Encoded": true}`,
		`{"requestContext": {"elb": {}}, "httpMethod": "GET", "path": "/", "isBase64Encoded": 1}`,
		`{"resource": "/", "httpMethod": "GET", "path": "/", "headers": {"Host": "a\r\nX"}}`,
		`{"resource": "/", "httpMethod": "GET", "path": "/", "requestContext": {"domainName": "a/b"}}`,
		`{"resource": "/", "httpMethod": "GET", "path": "/", "pathParameters": []}`,
		`{"resource": "/", "httpMethod": "GET", "path": "/", "pathParameters": {"a": []}}`,
		`{"version": "2.0", "requestContext": {"http": {"method": "GET"}}, "rawPath": "/", "cookies": [{}]}`,
	} {
		r, err := Find("", []byte(event)).Request([]byte(event))
		if err == nil || !strings.HasPrefix(err.Error(), "cannot read the event: ") {
			t.Errorf("%s: got %+v, %v", event, r, err)
		}
	}
}

// TestSparseEvents checks events that lack what is not needed.
func TestSparseEvents(t *testing.T) {
	for event, want := range map[string]Request{
		`{"requestContext": {"elb": {}}, "httpMethod": "GET", "": "x"}`:                                                                                                                              {Method: "GET", Path: "/"},
		`{"resource": "/", "httpMethod": "GET"}`:                                                                                                                                                     {Method: "GET", Path: "/", Route: "/"},
		`{"resource": "/", "httpMethod": "GET", "headers": null, "body": null, "path": "a b?c"}`:                                                                                                     {Method: "GET", Path: "/a%20b%3Fc", Route: "/"},
		`{"resource": "/", "httpMethod": "GET", "headers": {"A": 1}, "path": "/100%/é"}`:                                                                                                             {Method: "GET", Path: "/100%25/%C3%A9", Route: "/", Header: textproto.MIMEHeader{"A": {"1"}}},
		`{"resource": "/", "httpMethod": "GET", "queryStringParameters": {"q": "a&b=c d"}}`:                                                                                                          {Method: "GET", Path: "/", Route: "/", RawQuery: "q=a%26b%3Dc+d"},
		`{"requestContext": {"elb": {}}, "httpMethod": "GET", "queryStringParameters": {"a&b": "1&2 3"}}`:                                                                                            {Method: "GET", Path: "/", RawQuery: "a%26b=1%262%203"},
		`{"version": "2.0", "requestContext": {"http": {"method": "GET", "path": "/p"}}, "rawQueryString": "a b#c&%zz"}`:                                                                             {Method: "GET", Path: "/p", RawQuery: "a%20b%23c&%25zz"},
		`{"version": "2.0", "requestContext": {"http": {"method": "GET"}, "stage": "dev", "timeEpoch": 1.5}, "rawPath": "/dev"}`:                                                                     {Method: "GET", Path: "/", Stage: "dev"},
		`{"version": "2.0", "requestContext": {"http": {"method": "GET"}, "stage": "dev"}, "rawPath": "/device"}`:                                                                                    {Method: "GET", Path: "/device", Stage: "dev"},
		`{"resource": "/", "httpMethod": "POST", "headers": {"Transfer-Encoding": "chunked", "Content-Length": "99", "Connection": "X-Forwarded-For", "X-Forwarded-For": "192.0.2.1"}, "body": "x"}`: {Method: "POST", Path: "/", Route: "/", Body: []byte("x"), Header: textproto.MIMEHeader{"X-Forwarded-For": {"192.0.2.1"}}},
		`{"resource": "/", "httpMethod": "GET", "headers": {"x-a": "1", "X-A": "2", "X-a": "3"}}`:                                                                                                    {Method: "GET", Path: "/", Route: "/", Header: textproto.MIMEHeader{"X-A": {"2", "3", "1"}}},
	} {
		if want.Header == nil {
			want.Header = textproto.MIMEHeader{}
		}
		got, err := Find("", []byte(event)).Request([]byte(event))
		if err != nil || !reflect.DeepEqual(*got, want) {
			t.Errorf("%s: got %+v, %v, want %+v", event, got, err, want)
		}
	}
}

// TestClientHeader checks that the gateway appends the client to the addresses that
// the client claims.
func TestClientHeader(t *testing.T) {
	r := &Request{Method: "GET", Path: "/", ClientIP: "192.0.2.1", Header: textproto.MIMEHeader{"X-Forwarded-For": {"203.0.113.9"}}}
	got, err := ALB.Request(must(ALB.Event(r)))
	if err != nil || got.ClientIP != "192.0.2.1" || got.Header.Get("X-Forwarded-For") != "203.0.113.9, 192.0.2.1" {
		t.Errorf("got %+v, %v", got, err)
	}
	if r.Header.Get("X-Forwarded-For") != "203.0.113.9" {
		t.Error("Event changes the request")
	}
}
