/**
 * Who else has a conversation open, and who types: over the WebSocket's room of the conversation, which passes on who types. To have
 * typed for no time, said every ten seconds, is "I read this"; whoever is not heard any more is forgotten. Nothing else depends on it: without the socket, the page only
 * does not say who is there.
 */

import { accessToken } from '../api/client.js';
import { later } from '../dom.js';

const TYPES_FOR = 6_000;
const READS_FOR = 25_000;

/** Enters the room of a conversation; `show` is told who is there, as `[{ user, typing }]`. */
export function enterRoom(conversation, show, maySpeak) {
  const others = new Map();
  let socket = null;
  let isOver = false;
  let saidAt = 0;
  let typing = false;

  function connect() {
    if (isOver || document.hidden) return;
    socket = new WebSocket(`${location.origin.replace(/^http/, 'ws')}/v1/socket`);
    socket.onopen = () => say({ type: 'authenticate', token: accessToken() });
    socket.onmessage = ({ data }) => hear(JSON.parse(data));
    socket.onclose = () => {
      socket = null;
      if (!isOver) setTimeout(() => socket ?? connect(), 3_000 + Math.random() * 2_000);
    };
  }

  function say(message) {
    if (socket?.readyState === WebSocket.OPEN) socket.send(JSON.stringify(message));
  }

  function tell() {
    if (!maySpeak) return;
    saidAt = Date.now();
    for (const now of typing ? [true] : [true, false]) say({ type: 'typing', conversation_id: conversation, typing: now });
  }

  function hear(message) {
    if (message.type === 'ready') {
      say({ type: 'join', room: `conversation:${conversation}` });
      say({ type: 'leave', room: 'tenant' });
    }
    if (message.type === 'joined' && message.room !== 'tenant') tell();
    if (message.type !== 'typing' || message.conversation_id !== conversation) return;
    const isNew = !others.has(message.user_id);
    others.set(message.user_id, { typing: message.typing, at: Date.now() });
    // Who has just come does not know of us yet.
    if (isNew) tell();
    soon();
  }

  // What is said and taken back at once is never shown.
  const soon = later(120, update);

  function update() {
    for (const [user, { at }] of others) if (Date.now() - at > READS_FOR) others.delete(user);
    const types = ({ typing: does, at }) => does && Date.now() - at < TYPES_FOR;
    show([...others].map(([user, other]) => ({ user, typing: types(other) })));
  }

  const timer = setInterval(() => {
    if (Date.now() - saidAt > 10_000) tell();
    update();
  }, 2_000);
  connect();

  return {
    /** Says whether the person types; often, as it holds for six seconds. */
    type(now) {
      if (now === typing && (!now || Date.now() - saidAt < 3_000)) return;
      typing = now;
      tell();
    },
    leave() {
      isOver = true;
      clearInterval(timer);
      socket?.close();
    },
  };
}
