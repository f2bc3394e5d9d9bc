package wire

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"strconv"
	"strings"
)

// maxChunkHead is the most that the line before a chunk may have: its size and its
// signature.
const maxChunkHead = 256

// unchunk takes a payload out of the chunks of aws-chunked. The chunks of
// STREAMING-AWS4-HMAC-SHA256-PAYLOAD carry signatures, each over the one before; a
// trailer (a checksum) is dropped, since the lab's connection is local.
func (s signature) unchunk(body, key []byte) ([]byte, error) {
	signed := strings.HasPrefix(s.payload, "STREAMING-"+algorithm)
	var payload []byte
	for previous := s.value; ; {
		size, signature, rest, ok := chunkHead(body)
		if !ok || size > len(rest) {
			return nil, incompleteBody()
		}
		data := rest[:size]
		if signed {
			want := mac(key, s.chunkText(previous, data))
			if !hmac.Equal(want, signature) {
				return nil, mismatch.fault("s3", false)
			}
			previous = want
		}
		if size == 0 {
			return payload, nil
		}
		payload = append(payload, data...)
		if body, ok = bytes.CutPrefix(rest[size:], []byte("\r\n")); !ok {
			return nil, incompleteBody()
		}
	}
}

func (s signature) chunkText(previous, data []byte) string {
	empty, sum := sha256.Sum256(nil), sha256.Sum256(data)
	return strings.Join([]string{
		algorithm + "-PAYLOAD", s.at.Format(timeFormat), s.scope(),
		hex.EncodeToString(previous), hex.EncodeToString(empty[:]), hex.EncodeToString(sum[:]),
	}, "\n")
}

// chunkHead reads "SIZE[;chunk-signature=SIGNATURE]\r\n", with the size in hexadecimal.
func chunkHead(body []byte) (size int, signature, rest []byte, ok bool) {
	end := bytes.Index(body[:min(len(body), maxChunkHead)], []byte("\r\n"))
	if end < 0 {
		return 0, nil, nil, false
	}
	line, rest := body[:end], body[end+2:]
	digits, extension, _ := strings.Cut(string(line), ";")
	n, err := strconv.ParseUint(digits, 16, 31)
	if err != nil {
		return 0, nil, nil, false
	}
	if value, has := strings.CutPrefix(extension, "chunk-signature="); has {
		if signature, err = hex.DecodeString(value); err != nil {
			return 0, nil, nil, false
		}
	}
	return int(n), signature, rest, true
}

func incompleteBody() *Fault {
	return &Fault{"IncompleteBody", "The request body terminated unexpectedly", http.StatusBadRequest}
}
