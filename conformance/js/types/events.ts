// Made by socketio from the server's events. Change them there.

export interface ServerToClientEvents {
  "are you there?": (ack: () => void) => void;
  bye: () => void;
  drawn: (...data: Drawn) => void;
  question: (data: Question, ack: (answer: Answer) => void) => void;
  userJoined: (data: UserJoined) => void;
  welcome: (data: Welcome) => void;
}

export interface ClientToServerEvents {
  list: (ack: (answer: Array<User>) => void) => void;
  message: (data: Message, ack: (answer: Receipt) => void) => void;
  typing: (data: Typing) => void;
  upload: (...data: [...data: Upload, ack: (...answer: [string, number]) => void]) => void;
}

export type Answer = { text: string, };

export type Colour = "blue" | "red";

export type Drawn = [number, ArrayBuffer];

/**
 * A client says something in a room.
 */
export type Message = { room: string, text: string, };

export type Question = string;

export type Receipt = { id: number, };

export type Typing = boolean;

export type Upload = [string, ArrayBuffer | ArrayBufferView | Blob];

export type User = { nickname: string, colour: Colour | null, };

export type UserJoined = { user: User, online: number, };

/**
 * The server greets by name.
 */
export type Welcome = string;
