package aws

import (
	"net/http"
	"testing"
	"time"
)

func TestPasswordData(t *testing.T) {
	body := func(data string) string {
		return "<GetPasswordDataResponse><instanceId>i-1</instanceId><timestamp>2026-11-22T16:00:00.000Z</timestamp><passwordData>" + data + "</passwordData></GetPasswordDataResponse>"
	}
	s, cloud := newServer(t, map[string][]answer{"GetPasswordData": ok(body("\r\nAAEC\r\n"), body(""), body("?"))})
	got, err := cloud.PasswordData(t.Context(), "i-1")
	if err != nil || string(got.Cipher) != "\x00\x01\x02" || !got.At.Equal(time.Date(2026, 11, 22, 16, 0, 0, 0, time.UTC)) {
		t.Errorf("got %v, %v", got, err)
	}
	s.one("GetPasswordData").want(t, map[string]string{"InstanceId": "i-1"})
	if got, err := cloud.PasswordData(t.Context(), "i-1"); err != nil || len(got.Cipher) > 0 {
		t.Errorf("nothing yet: %v, %v", got, err)
	}
	if _, err := cloud.PasswordData(t.Context(), "i-1"); err == nil {
		t.Error("what is not base64 passed")
	}
}

func TestConsole(t *testing.T) {
	const output = "<GetConsoleOutputResponse><instanceId>i-1</instanceId><output>aGVsbG8=</output></GetConsoleOutputResponse>"
	unsupported := answer{status: http.StatusBadRequest,
		body: "<Response><Errors><Error><Code>UnsupportedOperation</Code><Message>This instance type does not support retrieving the latest console logs</Message></Error></Errors></Response>"}
	s, cloud := newServer(t, map[string][]answer{"GetConsoleOutput": append(ok(output), unsupported, ok(output)[0])})
	for range 2 { // the second machine is not on Nitro
		if got, err := cloud.Console(t.Context(), "i-1"); err != nil || string(got) != "hello" {
			t.Errorf("got %q, %v", got, err)
		}
	}
	for n, want := range []string{"true", "true", ""} {
		s.of("GetConsoleOutput")[n].want(t, map[string]string{"Latest": want, "InstanceId": "i-1"})
	}
	_, cloud = newServer(t, map[string][]answer{"GetConsoleOutput": ok("<GetConsoleOutputResponse><instanceId>i-1</instanceId></GetConsoleOutputResponse>")})
	if got, err := cloud.Console(t.Context(), "i-1"); err != nil || len(got) > 0 {
		t.Errorf("got %q, %v", got, err)
	}
}
