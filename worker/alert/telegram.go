package alert

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/go-telegram/bot"
)

// Telegram sends messages to a chat as a bot.
//
// https://core.telegram.org/bots/api#sendmessage
type Telegram struct {
	bot *bot.Bot
	log *slog.Logger

	mu     sync.Mutex
	chat   any       // id or @name
	notYet time.Time // Telegram requested no message before
}

// NewTelegram returns a channel for the chat. server is the URL of Telegram's API.
func NewTelegram(server, token, chat string, log *slog.Logger) (*Telegram, error) {
	if err := CheckURL(server); err != nil {
		return nil, fmt.Errorf("telegram API URL: %w", err)
	}
	client := &http.Client{Timeout: sending, CheckRedirect: refuseRedirect, Transport: onlyJSON{http.DefaultTransport}}
	b, err := bot.New(token, bot.WithServerURL(strings.TrimRight(server, "/")), bot.WithSkipGetMe(),
		bot.WithHTTPClient(sending, client))
	if err != nil {
		return nil, fmt.Errorf("telegram bot token: %w", withoutURL(err))
	}
	return &Telegram{bot: b, chat: chat, log: log}, nil
}

// Name returns the channel's name in logs, metrics and the status.
func (t *Telegram) Name() string { return "telegram" }

// Send sends a text of up to 4,096 characters. After a 429 it fails until Telegram's retry_after has passed. It
// follows a group that has become a supergroup to its new id.
func (t *Telegram) Send(ctx context.Context, text string) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if wait := time.Until(t.notYet); wait > 0 {
		return &pauseError{wait}
	}
	err := t.send(ctx, text)
	if moved, ok := errors.AsType[*bot.MigrateError](err); ok {
		t.log.Warn("the Telegram group has become a supergroup: set TELEGRAM_CHAT_ID to its new id", "chat",
			moved.MigrateToChatID)
		t.chat = moved.MigrateToChatID
		err = t.send(ctx, text)
	}
	if throttled, ok := errors.AsType[*bot.TooManyRequestsError](err); ok {
		wait := time.Duration(throttled.RetryAfter) * time.Second
		t.notYet = time.Now().Add(wait)
		return &pauseError{wait}
	}
	return withoutURL(err)
}

func (t *Telegram) send(ctx context.Context, text string) error {
	_, err := t.bot.SendMessage(ctx, &bot.SendMessageParams{ChatID: t.chat, Text: text})
	return err
}

// onlyJSON accepts only Telegram's own answers. The library accepts any body that says ok, and its error repeats a
// body that it cannot parse.
type onlyJSON struct{ next http.RoundTripper }

// RoundTrip makes the request.
func (o onlyJSON) RoundTrip(req *http.Request) (*http.Response, error) {
	resp, err := o.next.RoundTrip(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if err != nil {
		return nil, err
	}
	var says struct {
		OK *bool `json:"ok"`
	}
	if json.Unmarshal(body, &says) != nil || says.OK == nil || *says.OK && resp.StatusCode != http.StatusOK {
		return nil, &answerError{resp.StatusCode}
	}
	if *says.OK {
		body = []byte(`{"ok":true,"result":{}}`) // the message that was sent, which a proxy may shorten, is not needed
	}
	resp.Body = io.NopCloser(bytes.NewReader(body))
	return resp, nil
}
