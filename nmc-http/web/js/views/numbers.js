export const numbers = () => ({ element: document.createElement('div') });
