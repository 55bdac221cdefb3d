package alert

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"
)

// shortestSecret is the minimum length of a secret that signs messages.
const shortestSecret = 16

// webhook posts messages as JSON to any address.
type webhook struct {
	kind   string
	url    string
	caller *caller
	client *http.Client
	body   func(text string) any
	secret []byte // signs the messages; nil: they are not signed
	now    func() time.Time
}

// newWebhook returns a channel that posts signed messages, by the specification of Standard Webhooks. The URL's user is
// the secret.
//
// https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
func newWebhook(u *url.URL, transport http.RoundTripper) (Channel, error) {
	secret, err := signingSecret(u.User)
	if err != nil {
		return nil, fmt.Errorf("webhook: %w", err)
	}
	body := func(text string) any {
		return map[string]any{"type": "alert", "timestamp": time.Now().UTC().Format(time.RFC3339),
			"data": map[string]string{"text": text}}
	}
	return newPoster("webhook", u, transport, body, secret)
}

// newTeams returns a channel that posts to a workflow of Microsoft Teams, "Post to a channel when a webhook request is
// received".
//
// https://learn.microsoft.com/en-us/microsoftteams/platform/webhooks-and-connectors/how-to/connectors-using
func newTeams(u *url.URL, transport http.RoundTripper) (Channel, error) {
	return newPoster("teams", u, transport, teamsBody, nil)
}

func newPoster(kind string, u *url.URL, transport http.RoundTripper, body func(string) any,
	secret []byte) (Channel, error) {
	target := *u
	target.Scheme, target.User = strings.TrimPrefix(u.Scheme, kind+"+"), nil
	if err := CheckURL(target.String()); err != nil {
		return nil, fmt.Errorf("%s: %w", kind, err)
	}
	c := newCaller(transport)
	return &webhook{kind: kind, url: target.String(), caller: c, client: c.client(), body: body, secret: secret,
		now: time.Now}, nil
}

// signingSecret reads the secret from the URL's user. One that begins with whsec_ is in base64.
func signingSecret(user *url.Userinfo) ([]byte, error) {
	_, hasPassword := user.Password()
	if user == nil || hasPassword {
		return nil, errors.New("the secret that signs the messages is missing: webhook+https://SECRET@host/path")
	}
	secret := []byte(user.Username())
	if coded, ok := strings.CutPrefix(user.Username(), "whsec_"); ok {
		decoded, err := base64.StdEncoding.DecodeString(coded)
		if err != nil {
			return nil, errors.New("what follows whsec_ in the secret is not base64")
		}
		secret = decoded
	}
	if len(secret) < shortestSecret {
		return nil, fmt.Errorf("the secret that signs the messages must have at least %d bytes", shortestSecret)
	}
	return secret, nil
}

// Name returns the channel's name in logs, metrics and the status.
func (w *webhook) Name() string { return w.kind }

// Send posts a text.
func (w *webhook) Send(ctx context.Context, text string) error {
	body, err := json.Marshal(w.body(text))
	if err != nil {
		return errors.New("could not write the message")
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, w.url, bytes.NewReader(body))
	if err != nil {
		return errors.New("could not prepare the message")
	}
	req.Header.Set("Content-Type", "application/json")
	if w.secret != nil {
		w.sign(req.Header, body)
	}
	resp, err := w.client.Do(req)
	if err == nil {
		_, _ = io.Copy(io.Discard, io.LimitReader(resp.Body, maxAnswer)) // its content does not matter
		_ = resp.Body.Close()
	}
	return w.caller.judge(err)
}

// sign signs a message, so that its receiver can tell that it is ours, and recent.
func (w *webhook) sign(header http.Header, body []byte) {
	id, at := uuid.NewString(), strconv.FormatInt(w.now().Unix(), 10)
	mac := hmac.New(sha256.New, w.secret)
	mac.Write([]byte(id + "." + at + "."))
	mac.Write(body)
	header.Set("Webhook-Id", id)
	header.Set("Webhook-Timestamp", at)
	header.Set("Webhook-Signature", "v1,"+base64.StdEncoding.EncodeToString(mac.Sum(nil)))
}

// teamsBody is a message with an adaptive card. Each line is a block of its own, since Teams joins lines.
func teamsBody(text string) any {
	var blocks []map[string]any
	for line := range strings.SplitSeq(text, "\n") {
		blocks = append(blocks, map[string]any{"type": "TextBlock", "text": line, "wrap": true, "spacing": "None"})
	}
	card := map[string]any{
		"$schema": "http://adaptivecards.io/schemas/adaptive-card.json", "type": "AdaptiveCard", "version": "1.4",
		"body": blocks,
	}
	return map[string]any{
		"type":        "message",
		"attachments": []map[string]any{{"contentType": "application/vnd.microsoft.card.adaptive", "content": card}},
	}
}
