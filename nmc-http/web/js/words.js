/**
 * All that the page says, in one place, by the part of it that says so. The next language is another table like `EN`. `{name}` stands for a value.
 */

const EN = {
  app: { title: 'NeverMissCall' },
  go: {
    back: 'Back', again: 'Try again', more: 'Show more', cancel: 'Cancel', save: 'Save', saved: 'Saved.', add: 'Add', close: 'Close',
    copy: 'Copy', copied: 'Copied.', skip: 'Skip to the content', remove: 'Remove', change: 'Change',
  },
  error: {
    title: 'That did not work', none: 'Nothing here', 'none.text': 'It is not there, or no longer.',
    offline: 'There is no connection. Nothing is lost: try again in a moment.',
    stale: 'Somebody else changed this meanwhile. Here is how it is now.', often: 'That was too often. Wait a minute, and try again.',
    server: 'The server can’t answer now. Try again in a moment.',
  },
  time: { today: 'Today', yesterday: 'Yesterday', hours: '{hours} h {minutes} min', used: 'last used {at}' },
  field: {
    lines: 'One reply on each line', 'lines.hint': 'Kept in this browser, for you alone.', tag: 'Tag', customer_name: 'Name',
    customer_email: 'E-mail', customer_address: 'Address', notes: 'About', outcome: 'What came of the call', email: 'E-mail',
    password: 'Password', new_password: 'New password', 'new_password.hint': '10 characters or more. A sentence is easy to remember.',
    current_password: 'Current password', business_name: 'Name of the business', business_type: 'Trade', business_phone: 'Your own phone',
    'business_phone.hint': 'Calls ring here first.', phone: 'Your own phone',
    'phone.hint': 'Calls ring here first. You may leave it out for now.', business_address: 'Address', business_hours_start: 'Opens at',
    business_hours_end: 'Closes at', timezone: 'Time zone', greeting_template: 'Words',
    'greeting_template.hint': '{{business_name}} is needed; {{hours}} and {{next_opening}} may be used.',
    greeting_at_any_hour: 'Text at any hour', texting_starts_at: 'Otherwise from', texting_ends_at: 'to',
    greeting_cooldown_hours: 'Hours until the same caller is greeted again', customer_phone: 'Phone number',
    'customer_phone.hint': 'Such as (415) 555-0123, or +44 20 7946 0123', kpi: 'Figure', period: 'Of', target: 'What it should come to',
    note: 'Note (if you like)', minutes: 'Remind again in', name: 'Name', 'name.hint': 'What it is for, such as the name of the program',
    kind: 'It may', area_code: 'Area code', first_name: 'First name', last_name: 'Last name', role: 'Role', is_active: 'May log in',
    'is_active.hint': 'Taken away, it ends what they have open.', display_name: 'What colleagues see',
    'display_name.hint': 'Left out, it is your first and last name.', dashboard_sounds_enabled: 'Play a sound',
    push_notifications_enabled: 'Show a notification', 'push_notifications_enabled.hint': 'It says who, never what.', first_day: 'First day',
    last_day: 'Last day', priority: 'Priority', assigned_to: 'Looked after by', why: 'Why (for your team)',
    phone_number: 'Your phone', 'phone_number.hint': 'Texts of alerts go there. Customers don’t see it.',
    email_notifications_enabled: 'E-mails of alerts and reports', sms_notifications_enabled: 'Texts of alerts',
    date: 'Day', holiday: 'What for', is_enabled: 'On', threshold: 'Threshold', conversion_status: 'What became of it',
    revenue_impact: 'Revenue, in $',
  },
  nav: { label: 'Main', unread: '{count} unread', open: '{count} open' },
  notify: { title: '{who} has called or written', alert: 'There is a new alert' },
  banner: {
    away: 'No connection. What you see may be old; it comes back by itself.',
    busy: 'Too many windows are open: what you see may be old. It comes back by itself.',
    suspended: 'This business is suspended: nothing is texted.', new: 'There is a new version of this page.', reload: 'Reload',
  },
  door: {
    login: 'Log in', ended: 'Your session is over: it was ended elsewhere, or its link was opened twice.',
    wrong: 'This e-mail and this password don’t go together.', forgot: 'Forgot the password?', 'forgot.title': 'Reset the password',
    'forgot.text': 'Enter your e-mail to get a link with which you choose a new password.', 'forgot.go': 'Send the link',
    sent: 'Look into your mail',
    'sent.text': 'If there is an account with this e-mail, a link is on its way. If none comes, ask an owner, or whoever runs the server: nmc user invite-again.',
    back: 'Back to the login', invite: 'Welcome', 'invite.text': 'Choose a password, and you are in.', reset: 'Choose a new password',
    choose: 'Choose this password', chosen: 'That’s it', 'chosen.text': 'Log in with your e-mail and the new password.',
    link: 'This address has no valid link in it. Open the link of your mail once more.', dead: 'This link is no longer good',
    'dead.invite': 'It was used, replaced, or is too old. Log in, or ask to be invited again.',
    'dead.reset': 'It was used, replaced, or is too old: a link is good for an hour, once.', 'dead.go': 'Send a new link',
    verify: 'Verify your e-mail', 'verify.text': 'One click, and we know that this address is yours.', 'verify.go': 'It is mine',
    verified: 'Thank you: this address is verified.',
  },
  register: {
    ask: 'New here?', title: 'Register your business',
    text: 'Calls that you miss are answered with a text, and the customers’ replies come here.',
    go: 'Register',
  },
  inbox: {
    title: 'Inbox', filters: 'Which conversations', search: 'Search names, numbers, texts', open: 'Open', mine: 'Mine',
    unassigned: 'Unassigned', resolved: 'Resolved', you: 'You: {text}', picture: 'A picture', call: 'Called', unread: 'unread',
    failed: 'Not delivered', review: 'Opt-out?', people: 'Customers', texts: 'Texts', nothing: 'Nothing found',
    'nothing.text': 'Try the beginning of a name, of a number or of a word.', new: 'Write to somebody', 'new.go': 'Begin',
    'none.open': 'All quiet',
    'none.open.text': 'When you miss a call, the caller gets a text, and the conversation shows up here.',
    'none.open.go': 'Is everything set up?', 'none.mine': 'Nothing is yours right now',
    'none.mine.text': 'Conversations that are assigned to you show up here.', 'none.unassigned': 'Everybody is looked after',
    'none.unassigned.text': 'Somebody looks after each open conversation.', 'none.resolved': 'Nothing resolved yet',
    'none.resolved.text': 'What you resolve moves here.', 'none.go': 'See all that is open', choose: 'Choose a conversation',
    'choose.text': 'Calls and texts of a customer are one thread.',
  },
  state: { active: 'Open', waiting: 'Waiting', resolved: 'Resolved', closed: 'Closed' },
  priority: { low: 'Low', normal: 'Normal', high: 'High', urgent: 'Urgent' },
  conversation: {
    title: 'Conversation', thread: 'Calls and texts', call: 'Call back', resolve: 'Resolve', reopen: 'Reopen', says: '{who}: {text}',
    answered: 'A colleague was faster. Your text is still here: read on first.',
    theirs: 'Your text goes out. {who} looks after this conversation.',
    moved: 'Something came in while you wrote. Your text is still here: read on first.',
  },
  thread: { end: 'To the end', new: 'New below' },
  others: { types: '{who} is typing …', reads: '{who} is reading this, too' },
  composer: {
    label: 'Write a text', kind: 'What to write', reply: 'Text', note: 'Note',
    'note.label': 'A note for your team; the customer does not see it', 'note.add': 'Add the note', send: 'Send',
    size: '{characters#character|characters} · {segments#text|texts}', viewer: 'You may read here. Somebody with another role answers.',
    suspended: 'This business is suspended: nothing is texted until it is active.', unknown: 'The caller has no number that can be texted.',
    stop: 'This customer has opted out (STOP): they may not be texted, but you can call.',
  },
  canned: {
    title: 'Ready replies',
    first: 'Thanks! We will call you back within the hour.\nCould you send us a picture of it?\nWhat is the address?\nWe can come tomorrow morning. Does that suit you?',
    change: 'Change these …',
  },
  entry: { ours: 'We wrote:', theirs: 'The customer wrote:', 'note.by': 'Note by {who}', somebody: 'Somebody' },
  kind: { greeting: 'Automatic greeting', keyword_reply: 'Automatic answer' },
  media: {
    alt: 'A picture from the customer', open: 'Enlarge the picture', save: 'Save the file', waiting: 'A picture is on its way',
    gone: 'The file can’t be had any more',
  },
  status: {
    pending: 'Sending …', queued: 'Sending …', scheduled: 'Scheduled', accepted: 'Sending …', sending: 'Sending …', sent: 'Sent',
    delivered: 'Delivered', partially_delivered: 'Delivered in part', read: 'Read', undelivered: 'Not delivered', failed: 'Not sent',
    canceled: 'Not sent', receiving: '', received: '', waits: 'Waits until {at}: {why}',
  },
  failure: {
    other: 'The network did not say why.', 21211: 'This is not a valid phone number.', 21408: 'Texts to this country are switched off.',
    21610: 'The customer has opted out (STOP).', 21614: 'This number can’t receive texts. Call instead.',
    30003: 'The phone is switched off or out of reach. Call, or try again later.', 30004: 'The customer’s phone or carrier blocks this text.',
    30005: 'The number is unknown or no longer in service.', 30006: 'It is a landline, or its carrier can’t be reached. Call instead.',
    30007: 'The carrier took the text for spam. Word it differently.', 30008: 'The network lost the text, and does not say why.',
    30032: 'The toll-free number is not verified yet.', 30034: 'The business is not registered for texting yet.',
  },
  outcome: {
    answered: 'Answered call', missed: 'Missed call', voicemail: 'Missed call, went to voicemail', abandoned: 'Missed call, hung up',
    blocked: 'Blocked call', failed: 'Failed call', going: 'Call in progress', none: 'Call',
  },
  event: {
    opened: 'Conversation opened', status_changed: '{who}: {status}', priority_changed: '{who} set the priority to {priority}',
    assigned: '{who} assigned this to {to}', unassigned: '{who} let this go', tag_added: '{who} added the tag “{tag}”',
    tag_removed: '{who} removed the tag “{tag}”', outcome_changed: '{who} put the call’s outcome right', opted_out: 'The customer opted out',
    opted_in: 'The customer opted in again', not_texted: 'No automatic text was sent', review_requested: 'A text may be an opt-out',
    review_settled: '{who} decided whether it was an opt-out', forwarding_failed: 'The call could not be forwarded to your phone',
  },
  details: {
    title: 'Details', nobody: 'Nobody', tags: 'Tags', 'tag.add': 'Add a tag', 'tag.remove': 'Remove the tag {tag}', customer: 'Customer',
    phone: 'Phone', since: 'Since', counts: 'So far', 'counts.text': '{calls#call|calls}, {texts#text|texts}', edit: 'Edit',
    all: 'All about them',
  },
  review: {
    text: 'The last text may be an opt-out. Until you decide, nothing is texted by itself.', stop: 'They want no texts', go: 'It was none',
  },
  became: {
    title: 'What became of it', tell: 'Tell what became of it', pending: 'Not known yet', qualified: 'It may become a job', converted: 'It became a job',
    lost: 'It came to nothing',
  },
  customer: {
    unknown: 'Unknown caller', 'opted.in': 'May be texted', counts: '{calls#call|calls} in {conversations#conversation|conversations}',
    imported: ', and {calls#call|calls} in none', conversations: 'Conversations', consents: 'Whether they may be texted',
    out: 'Stop texting them', in: 'Allow texts again', opt_out: 'Stop texting this customer?',
    'opt_out.text': 'They told you that they want no texts. You can still call.', 'opt_out.go': 'Stop texting',
    opt_in: 'Text this customer again?', 'opt_in.text': 'Only if they told you so themselves: the law asks for it.',
    'opt_in.go': 'They told us so',
  },
  consent: {
    opt_out: 'Opted out', opt_in: 'Opted in', 'by.keyword': 'by texting “{keyword}”', 'by.staff': 'recorded by {who}', host: 'whoever runs the server',
    'by.provider': 'told by the network',
  },
  calls: {
    title: 'Calls', filters: 'Which calls', missed: 'Missed', voicemail: 'Voicemail', abandoned: 'Hung up', all: 'All', back: 'Call {who} back',
    outcome: 'What came of the call', 'outcome.text': 'It counts in your figures. Nobody is texted for it.', 'none.some': 'No call like that',
    'none.all': 'No calls yet', 'none.text': 'Calls to your number show up here as they come.', 'none.go': 'See your numbers',
  },
  alerts: {
    title: 'Alerts', filters: 'Which alerts', open: 'Open', resolved: 'Resolved', acknowledge: 'I take care', snooze: 'Later',
    resolve: 'Resolve', 'snooze.30': '30 minutes', 'snooze.60': '1 hour', 'snooze.240': '4 hours', 'snooze.1440': '1 day',
    wake: 'Now, after all', by: '{who} takes care', until: 'Put off until {at}', test: 'Test', done: 'Resolved by {who}',
    defaults: 'Add the usual alerts', 'defaults.done': '{count#alert|alerts} added.', 'none.open': 'Nothing wants attention',
    'none.open.text': 'When too many calls are missed, it is said here.', 'none.resolved': 'No alert was resolved yet',
    'none.resolved.text': 'What was settled stays here, with who did it.',
  },
  alerted: {
    triggered: 'Raised', acknowledged: 'Taken over', escalated: 'Passed on', escalation_ended: 'Passed on to all there are', resolved: 'Resolved',
    snoozed: 'Put off', unsnoozed: 'No longer put off', flapping: 'Comes and goes',
  },
  told: {
    title: 'Who is told', 'by.email': 'E-mail', 'by.sms': 'Text', 'by.webhook': 'Webhook', 'by.dashboard': 'This page',
    pending: 'Waits', retrying: 'Is tried again', delivered: 'Told', failed: 'Could not be told',
  },
  severity: { low: 'Low', medium: 'Medium', high: 'High', critical: 'Critical' },
  figures: {
    title: 'Figures', period: 'Period', today: 'Today', '7d': '7 days', '30d': '30 days', 'group.calls': 'Who took the calls',
    'group.back': 'What became of missed calls', 'group.pace': 'How fast it goes', 'group.other': 'Costs and trouble',
    missed: '{count} rang out', voicemail: '{count} went to voicemail', abandoned: '{count} hung up', bar: '{all#call|calls}, {missed} missed',
    'bar.none': 'No calls', same: 'as before', more: '↑ from {before}', less: '↓ from {before}', good: 'better', bad: 'worse',
    reached: '✓ target {target} reached', short: '✗ target {target} not reached', 'unit.calls': '{amount}', 'unit.percent': '{amount} %',
    'unit.usd': '{amount} ¢', 'unit.minutes': '{amount} min', 'unit.hours': '{amount} h', none: 'Nothing to count yet',
    'none.text': 'As soon as there are calls, this is where their numbers are.',
  },
  target: {
    title: 'Targets', none: 'None yet. The figure says whether it reaches its target.', add: 'Set a target', of: '{kpi}, {period}',
    'in.calls': '{kpi} (how many)', 'in.percent': '{kpi} (% of all)', 'in.usd': '{kpi} ($)', 'in.minutes': '{kpi} (minutes)',
    'in.hours': '{kpi} (hours)', daily: '{target} a day', weekly: '{target} a week', monthly: '{target} a month', 'daily.name': 'each day',
    'weekly.name': 'each week', 'monthly.name': 'each month',
  },
  report: { daily: 'Day', weekly: 'Week', monthly: 'Month', custom: 'Days of choice' },
  reports: {
    title: 'Reports', make: 'Make one of', daily: 'Yesterday, {days}', weekly: 'Last week, {days}', monthly: '{days}', other: 'Other days …',
    'other.text': 'A year at the most.', go: 'Make the report', none: 'None was made yet.', made: '{type}, made {at}',
    remove: 'Remove this report?', 'remove.text': '{days}: {made}', 'remove.go': 'Remove', get: 'Download as {kind}',
  },
  settings: { title: 'Settings', out: 'Log out' },
  business: { title: 'Business and hours', about: 'Name, address, opening hours, where calls ring' },
  holidays: {
    title: 'Holidays', none: 'None yet. On a holiday you are closed all day.', add: 'Add a holiday', drop: 'Remove {name}',
    remove: 'Remove {name}?', 'remove.text': '{day} becomes a day like others.', 'remove.go': 'Remove',
  },
  rules: {
    recovery: 'Over again at', title: 'Alert rules', about: 'When you are alerted', none: 'No rules yet', 'none.text': 'The usual ones are added where there are no alerts.', 'none.go': 'See the alerts',
    off: 'Off', change: 'Change {name}', greater_than: '{metric} above {threshold}', less_than: '{metric} below {threshold}',
    equals: '{metric} at {threshold}', not_equals: '{metric} other than {threshold}',
  },
  greeting: {
    title: 'Greeting', about: 'The text that a missed caller gets', review: 'Is this right?',
    'review.text': 'Read the greeting as a customer would. Once you approve of it, it is in use.',
    approve: 'Approve of the greeting', approved: 'The greeting is approved.',
  },
  numbers: {
    title: 'Phone numbers', about: 'The numbers that your customers call', none: 'No number yet',
    'none.text': 'Search one by area code. Customers call it, and your phone rings.', cost: '{cost} a month', release: 'Give back',
    'release.go': 'Give it back for good',
    'release.text': 'Customers can’t reach you at {number} any more, and you can’t get it back.',
    releasing: 'Being given back', held: 'Its texts wait until {at}: {why}', more: 'Get a number', search: 'Search', nothing: 'There is none for sale there. Try another area code.',
    'buy.go': 'Get it', buy: 'Get {number}', 'buy.text': 'It costs rent each month until you give it back.', bought: '{number} is yours.',
  },
  number: { active: 'Active', inactive: 'Inactive', provisioning: 'Being set up', error: 'Failed', released: 'Given back' },
  people: {
    title: 'People', about: 'Who works with you here, and what they may do', invite: 'Invite somebody', 'invite.go': 'Invite',
    off: 'Deactivated', online: 'Here now', invited: 'Invited', again: 'Invite again', link: 'Pass this link on',
    'link.text': '{email} chooses a password with it. It is shown this once.', change: 'Change {email}',
  },
  role: { owner: 'Owner', admin: 'Admin', operator: 'Operator', user: 'User', viewer: 'Viewer (reads only)' },
  keys: {
    title: 'API keys', about: 'For other programs', make: 'Make a key', 'may.read': 'read conversations and calls',
    'may.write': 'read, answer and change them', 'may.measure': 'record measurements', none: 'No API keys',
    'none.text': 'Make one for each program that is to work with your conversations.', unused: 'never used', until: 'until {at}',
    rotate: 'Rotate', 'rotate.text': 'You get a new key; the old one goes on for an hour.', revoke: 'Revoke',
    'revoke.text': 'Whatever uses “{name}” stops working at once.', made: 'Your new key',
    'made.text': 'It is shown this once. Whoever has it may do what it may.',
  },
  me: {
    title: 'Your settings', about: 'Name, sounds, password', name: 'Name and phone', told: 'When something comes in',
    'push.refused': 'This browser does not allow notifications here.', 'password.go': 'Change the password',
    sessions: 'Where you are logged in', here: 'Here', end: 'End', unknown: 'A program',
  },
  start: {
    title: 'Getting started', about: 'Five steps until your first missed call is answered',
    text: 'Five steps, and the next call that you miss is answered with a text.',
    waits: 'Whoever runs this server has yet to approve of your business: until then nothing is texted.',
    done: 'All is set up: the next call that you miss is answered with a text.', 1: 'Your business', 2: 'Your account', 3: 'Hours and prices',
    4: 'A phone number', 5: 'The greeting', ok: 'Done', ready: 'All there', go: 'Do it now', complete: 'That is right',
  },
  missing: {
    business_type: 'The trade is missing', business_address: 'The address is missing', business_phone: 'Your own phone is missing',
    greeting_template: 'Read the greeting, and approve of it', owner: 'An owner has to come in',
    estimated_job_min: 'The price of a job is missing', phone_number: 'A number is missing',
  },
};

/** All words by their keys, such as `go.back`. */
const words = Object.fromEntries(Object.entries(EN).flatMap(([part, of]) => Object.entries(of).map(([name, text]) => [`${part}.${name}`, text])));

/** Whether there are words for this key. */
export const has = (key) => Object.hasOwn(words, key);

/** The words for a key; what is no key is in words already, but what somebody typed is no key, and is shown without this. `{n#call|calls}` is the number with the word that goes with it; doubled braces are left alone. */
export function t(key, values) {
  const text = has(key) ? words[key] : key;
  return values === undefined ? text : text.replace(/(?<!\{)\{(\w+)(?:#([^|}]*)\|([^}]*))?\}(?!\})/g, (_, name, one, many) => {
    const value = String(values[name] ?? '');
    return one === undefined ? value : `${value} ${value === '1' ? one : many}`;
  });
}
