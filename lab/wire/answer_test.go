package wire

import (
	"encoding/xml"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

type volumes struct {
	Volumes []struct {
		ID   string `xml:"volumeId"`
		Made Time   `xml:"createTime"`
	} `xml:"volumeSet>item"`
	Next string `xml:"nextToken,omitempty"`
}

func someVolumes() volumes {
	var v volumes
	v.Volumes = make([]struct {
		ID   string `xml:"volumeId"`
		Made Time   `xml:"createTime"`
	}, 1)
	v.Volumes[0].ID = "vol-1<&"
	v.Volumes[0].Made = Time{time.Date(2026, 8, 1, 12, 0, 0, 5e6, time.UTC)}
	return v
}

func TestAnswers(t *testing.T) {
	const head = `<?xml version="1.0" encoding="UTF-8"?>` + "\n"
	for name, tt := range map[string]struct {
		service, action string
		answer          any
		want            string
	}{
		"ec2": {"ec2", "DescribeVolumes", someVolumes(), head + `<DescribeVolumesResponse xmlns="http://ec2.amazonaws.com/doc/2016-11-15/"><requestId>id</requestId>` +
			`<volumeSet><item><volumeId>vol-1&lt;&amp;</volumeId><createTime>2026-08-01T12:00:00.005Z</createTime></item></volumeSet></DescribeVolumesResponse>`},
		"ec2, pointer": {"ec2", "X", &struct {
			Return bool `xml:"return"`
		}{true}, head + `<XResponse xmlns="http://ec2.amazonaws.com/doc/2016-11-15/"><requestId>id</requestId><return>true</return></XResponse>`},
		"ec2, nothing": {"ec2", "X", nil, head + `<XResponse xmlns="http://ec2.amazonaws.com/doc/2016-11-15/"><requestId>id</requestId></XResponse>`},
		"sts": {"sts", "GetCallerIdentity", struct{ Arn string }{"a"}, head + `<GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">` +
			`<GetCallerIdentityResult><Arn>a</Arn></GetCallerIdentityResult><ResponseMetadata><RequestId>id</RequestId></ResponseMetadata></GetCallerIdentityResponse>`},
		"ssm": {"ssm", "GetParameter", struct {
			Version int
			When    Time
		}{2, Time{time.UnixMilli(1500).UTC()}}, `{"Version":2,"When":1.5}`},
		"kms, nothing": {"kms", "DisableKey", nil, `{}`},
		"s3": {"s3", "ListBuckets", struct {
			XMLName xml.Name `xml:"ListAllMyBucketsResult"`
			Owner   string
		}{Owner: "o"}, head + `<ListAllMyBucketsResult><Owner>o</Owner></ListAllMyBucketsResult>`},
	} {
		t.Run(name, func(t *testing.T) {
			w := httptest.NewRecorder()
			if err := WriteAnswer(w, &Call{ID: "id", Service: tt.service, Action: tt.action}, tt.answer); err != nil {
				t.Fatal(err)
			}
			if w.Code != http.StatusOK || w.Body.String() != tt.want {
				t.Errorf("got %d\n%s\nwant\n%s", w.Code, w.Body, tt.want)
			}
		})
	}
}

func TestAnswersThatCannotBeEncoded(t *testing.T) {
	for service, answer := range map[string]any{"ec2": struct{ A any }{make(chan int)}, "ssm": func() {}, "s3": map[string]int{"a": 1}} {
		w := httptest.NewRecorder()
		if err := WriteAnswer(w, &Call{Service: service, Action: "X"}, answer); err == nil || w.Body.Len() > 0 {
			t.Errorf("%s: %v, and %q is sent", service, err, w.Body)
		}
	}
}

type closing struct {
	io.Reader
	closed bool
}

func (c *closing) Close() error { c.closed = true; return nil }

func TestReplies(t *testing.T) {
	body := &closing{Reader: strings.NewReader("bytes")}
	w := httptest.NewRecorder()
	reply := &Reply{Status: http.StatusPartialContent, Header: http.Header{"Etag": {`"x"`}}, Body: body}
	if err := WriteAnswer(w, &Call{ID: "id", Service: "s3", Action: "GetObject"}, reply); err != nil {
		t.Fatal(err)
	}
	if w.Code != http.StatusPartialContent || w.Body.String() != "bytes" || w.Header().Get("ETag") != `"x"` || !body.closed {
		t.Errorf("got %d %q %v, closed %v", w.Code, w.Body, w.Header(), body.closed)
	}
	w = httptest.NewRecorder()
	if err := WriteAnswer(w, &Call{Service: "s3", Action: "HeadBucket"}, &Reply{}); err != nil || w.Code != http.StatusOK {
		t.Errorf("got %d and %v", w.Code, err)
	}
}

func TestFaults(t *testing.T) {
	const head = `<?xml version="1.0" encoding="UTF-8"?>` + "\n"
	fault := &Fault{Code: "Code", Message: "a < b", Status: http.StatusServiceUnavailable}
	for service, want := range map[string]string{
		"ec2": head + `<Response><Errors><Error><Code>Code</Code><Message>a &lt; b</Message></Error></Errors><RequestID>id</RequestID></Response>`,
		"iam": head + `<ErrorResponse xmlns="https://iam.amazonaws.com/doc/2010-05-08/"><Error><Type>Receiver</Type><Code>Code</Code><Message>a &lt; b</Message></Error><RequestId>id</RequestId></ErrorResponse>`,
		"ssm": `{"__type":"Code","message":"a \u003c b"}`,
		"s3":  head + `<Error><Code>Code</Code><Message>a &lt; b</Message><Resource>/b/k</Resource><RequestId>id</RequestId></Error>`,
	} {
		w := httptest.NewRecorder()
		r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/b/k", nil)
		if err := WriteFault(w, r, service, "id", fault); err != nil {
			t.Fatal(err)
		}
		if w.Code != http.StatusServiceUnavailable || w.Body.String() != want {
			t.Errorf("%s: %d\n%s\nwant\n%s", service, w.Code, w.Body, want)
		}
	}
	w := httptest.NewRecorder()
	r := httptest.NewRequestWithContext(t.Context(), http.MethodHead, "/b/k", nil)
	if err := WriteFault(w, r, "s3", "id", Faultf("NoSuchKey", "no")); err != nil || w.Code != http.StatusBadRequest || w.Body.Len() > 0 {
		t.Errorf("HEAD: %d %q %v", w.Code, w.Body, err)
	}
}

func TestIsFault(t *testing.T) {
	fault := Faultf("A", "text %d", 1)
	if !IsFault(fault) || !IsFault(fault, "B", "A") || IsFault(fault, "B") || IsFault(errors.New("A")) || fault.Error() != "A: text 1" {
		t.Error("IsFault is wrong")
	}
}

func TestStuck(t *testing.T) {
	ctx := t.Context()
	if StuckFor(ctx) != 0 || StuckFor(WithStuck(ctx, time.Minute)) != time.Minute {
		t.Error("StuckFor is wrong")
	}
}
